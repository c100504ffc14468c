"""Strips of cells: how each of many tries ended."""

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex

from zmqlab.show.look import INK
from zmqlab.show.plots import Picture, strips, strips_alt, strips_text

ENDS = ["right", "twice", "lost"]
ROWS = {"memory": ["right", "lost", "lost"], "store": ["right", "right", "twice", "right"]}


def axes(rows, **options):
    figure = Picture(strips, rows, ends=ENDS, **options).figure()
    FigureCanvasAgg(figure).draw()
    return figure.axes[0]


def test_each_try_is_a_cell_in_the_look_of_its_end():
    ax = axes(ROWS)
    cells = {}
    for cell in ax.patches:
        row, number = round(cell.get_y() + 0.375), round(cell.get_x() + 0.5)
        cells[row, number] = to_hex(cell.get_facecolor()), cell.get_hatch()
    for row, tries in enumerate(ROWS.values()):
        assert len(tries) == sum(place == row for place, _ in cells)
    looks = {
        end: {
            cells[row, number]
            for row, tries in enumerate(ROWS.values())
            for number, ended in enumerate(tries, 1)
            if ended == end
        }
        for end in ENDS
    }
    assert [len(found) for found in looks.values()] == [1, 1, 1]
    assert len(set.union(*looks.values())) == 3
    assert [label.get_text() for label in ax.get_yticklabels()] == list(ROWS)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1", "2", "3", "4"]


def test_what_is_said_is_dark_and_the_ends_are_explained():
    ax = axes(ROWS, unit="killed before step")
    assert ax.get_xlabel() == "killed before step"
    assert ax.get_title("left") == "1 of 2: lost at least once"
    explained = ax.get_legend().get_texts()
    assert [text.get_text() for text in explained] == ENDS
    assert {to_hex(text.get_color()) for text in explained} == {INK}


def test_strips_in_words():
    assert strips_text(ROWS, ends=ENDS) == (
        "try     right  twice  lost\nmemory      1      0     2\nstore       3      1     0"
    )
    assert strips_alt(ROWS, ends=ENDS, unit="step") == (
        "1 of 2: lost at least once. Strips of cells, by step: "
        "memory: right 1, lost 2–3; store: right 1–2 and 4, twice 3."
    )


def test_no_rows_are_a_picture_too():
    assert axes({}).get_title("left") == "0 of 0: lost at least once"
    assert strips_alt({}, ends=ENDS).endswith("none.")
