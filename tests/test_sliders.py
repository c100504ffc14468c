import base64

from zmqlab.show import Sliders, plots


def bars_of(load, workers):
    """A picture of nothing in particular, other with each load and number of workers."""
    return plots.Picture(plots.shares, {f"w{n}": round(9 * load) for n in range(1, workers + 1)})


def sliders_of_two():
    return Sliders(bars_of, load=(0.1, 0.9, 0.1, 0.5), workers=(1, 8, 1, 2))


def test_a_slider_that_moves_changes_the_picture():
    sliders = sliders_of_two()
    before = sliders._shown.value
    sliders.sliders["workers"].set_state({"answer": 3})  # as the browser does
    assert sliders.values == {"load": 0.5, "workers": 3}
    assert sliders._shown.value != before
    assert "w3" in sliders._shown.value  # in the picture's alternative text
    assert sliders.seconds > 0


def test_sliders_can_be_set_from_code_and_keep_to_their_ends():
    sliders = sliders_of_two()
    sliders.values = {"load": 2, "workers": 5}
    assert sliders.values == {"load": 0.9, "workers": 5}


def test_an_error_of_the_drawing_is_shown_and_the_next_move_draws_again():
    def draw(load):
        if load > 1:
            raise ValueError(f"a load of <{load}>")
        return bars_of(load, 2)

    sliders = Sliders(draw, load=(0, 2, 1, 1))
    sliders.values = {"load": 2}
    assert "ValueError: a load of &lt;2&gt;" in sliders._shown.value
    sliders.values = {"load": 1}
    assert "<img" in sliders._shown.value


def test_sliders_leave_a_picture_and_a_constant_text_for_where_nothing_moves():
    sliders = sliders_of_two()
    shown, metadata = sliders._repr_mimebundle_()
    assert metadata["image/png"]["alt"].startswith("Each of the 2 got 4 of 8 tasks. Bar chart")
    assert shown["text/plain"] == (
        "A picture that follows its sliders: load 0.1 to 0.9, workers 1 to 8."
    )
    assert base64.b64decode(shown["image/png"]).startswith(b"\x89PNG")
    sliders.values = {"workers": 7}
    assert sliders._repr_mimebundle_()[0]["text/plain"] == shown["text/plain"]
