import base64
import html
import re
import subprocess
import sys
from io import BytesIO

import pytest
from PIL import Image

from zmqlab.show import Prediction
from zmqlab.show.widget import WIDGET_VIEW

QUESTION = "Tasks done by w3, of 30"


@pytest.fixture(autouse=True)
def no_guess_from_another_test(monkeypatch):
    monkeypatch.setattr(Prediction, "_kept", {})


def plain(comparison):
    """What a comparison says on the page."""
    said = comparison._shown.value.split("<svg")[0]
    return html.unescape(re.sub("<[^>]*>", " ", said))


def test_no_guess_is_no_error():
    share = Prediction(QUESTION, low=0, high=30)
    assert share.guess is None
    assert str(share.compare(0)) == f"{QUESTION}\n  measured 0: no guess this time"


def test_a_guess_is_compared():
    share = Prediction(QUESTION, guess=10, low=0, high=30)
    assert str(share.compare(0)) == (
        f"{QUESTION}\n  measured 0: you predicted 10, 10 more. What did you assume?"
    )
    assert "you predicted 10, 5 less" in str(share.compare(15))
    assert str(share.compare(10)).endswith("measured 10: you predicted 10, and so it is")


def test_what_is_answered_on_the_page_is_the_guess():
    share = Prediction(QUESTION, low=0, high=30)
    share.field.set_state({"answer": 12})  # as the browser does
    assert share.guess == 12
    assert "you predicted 12" in str(share.compare(15))


def test_a_comparison_on_display_follows_the_slider():
    share = Prediction(QUESTION, low=0, high=30)
    comparison = share.compare(10)
    comparison._repr_mimebundle_()
    assert "measured 10: no guess this time" in plain(comparison)
    share.field.answer = 12
    assert "you predicted 12, 2 more" in plain(comparison)
    share.field.answer = 9
    assert "you predicted 9, 1 less" in plain(comparison)
    assert "your guess 9" in comparison._shown.value


def test_a_comparison_that_nobody_shows_is_up_to_date_too():
    share = Prediction(QUESTION, low=0, high=30)
    comparison = share.compare(10)
    share.guess = 11
    assert "you predicted 11" in str(comparison)


def test_a_guess_survives_running_its_cell_again():
    Prediction(QUESTION, low=0, high=30).guess = 7
    assert Prediction(QUESTION, low=0, high=30).guess == 7
    assert Prediction(QUESTION, guess=3, low=0, high=30).guess == 3
    assert Prediction("another question", low=0, high=30).guess is None


@pytest.mark.parametrize("measured", [-5, 0, 15, 30, 1e6])
def test_what_is_measured_may_lie_outside_of_the_slider(measured):
    drawn = Prediction(QUESTION, guess=10, low=0, high=30).compare(measured)._scale()
    tips = [float(x) for x in re.findall(r'points="([\d.]+),', drawn)]
    assert len(tips) == 2
    assert all(60 <= x <= 420 for x in tips)


def test_marks_stand_where_their_numbers_are_and_the_ends_have_theirs():
    drawn = Prediction(QUESTION, guess=30, low=0, high=30).compare(7.5)._scale()
    assert re.findall(r'points="([\d.]+),(\d+)', drawn) == [("150.0", "26"), ("420.0", "22")]
    assert re.findall(r'x1="(\d+)" x2="(\d+)" y1="(\d+)"', drawn) == [("60", "420", "24")]
    assert re.findall(r">([^<]+)</text>", drawn) == ["measured 7.5", "your guess 30", "0", "30"]
    beyond = Prediction(QUESTION, guess=10, low=0, high=30).compare(-5)._scale()
    assert ">-5</text>" in beyond


@pytest.mark.parametrize(("high", "ticks"), [(3, [60, 180, 300, 420]), (30, [])])
def test_a_scale_of_few_steps_has_a_tick_for_each(high, ticks):
    drawn = Prediction(QUESTION, guess=1, low=0, high=high).compare(2)._scale()
    assert [float(x) for x in re.findall(r"M([\d.]+) 20v8", drawn)] == ticks
    assert all(f'points="{x:.1f},' in drawn for x in ticks[1:3])


def test_choices_are_listed_with_whose_each_was():
    def lines(guess, measured):
        order = Prediction("Who is first?", guess, choices=["w1", "w<2>", "by chance"])
        return re.findall(r'1\.2em">(.*?)</div>', order.compare(measured)._html())

    assert lines("w1", "w<2>") == [
        "w1 <b>◀ your guess</b>",
        "w&lt;2&gt; <b>◀ measured</b>",
        "by chance",
    ]
    assert lines("w1", "w1")[0] == "w1 <b>◀ measured and your guess</b>"
    assert lines("w1", "nobody")[3] == "nobody <b>◀ measured</b>"


def test_a_guess_in_the_code_may_lie_outside_of_the_slider():
    assert Prediction(QUESTION, guess=99, low=0, high=30).field.high == 99


def test_fractions_have_a_slider_of_fractions():
    share = Prediction("Seconds until all is done", low=0.0, high=2.0)
    assert (share.field.step, share.field.start) == (0.02, 1)
    share.field.answer = 0.12
    assert share.guess == pytest.approx(0.12)
    assert "measured 0.333: you predicted 0.12, 0.213 less" in str(share.compare(1 / 3))


def test_nearly_the_same_is_said_to_be_the_same():
    share = Prediction("Seconds until all is done", guess=0.5, low=0.0, high=2.0)
    assert str(share.compare(0.5001)).endswith("and so it is")


def test_a_slider_needs_two_ends():
    with pytest.raises(ValueError, match="low must be less than high; got low=3, high=3"):
        Prediction(QUESTION, low=3, high=3)
    with pytest.raises(ValueError, match="needs low=… and high=… for its slider, or choices=…"):
        Prediction(QUESTION, high=3)


def test_a_question_may_have_choices_in_place_of_a_slider():
    order = Prediction("Who is first?", choices=["w1", "w2", "by chance"])
    assert order.guess is None
    assert order.field.choices == ["w1", "w2", "by chance"]
    assert str(order.compare("w2")) == "Who is first?\n  measured w2: no guess this time"
    order.field.set_state({"answer": "w1"})
    assert str(order.compare("w2")).endswith("measured w2: you predicted w1. What did you assume?")
    assert str(order.compare("w1")).endswith("measured w1: you predicted w1, and so it is")
    assert Prediction("Who is first?", choices=["w1", "w2", "by chance"]).guess == "w1"


def test_a_guess_is_one_of_the_choices_or_a_number():
    with pytest.raises(ValueError, match='a guess is one of "w1", "w2"; got \'w3\''):
        Prediction("Who is first?", "w3", choices=["w1", "w2"])
    with pytest.raises(ValueError, match="a guess is a number; got 'w3'"):
        Prediction(QUESTION, "w3", low=0, high=1)
    with pytest.raises(ValueError, match="leave low, high and step out"):
        Prediction(QUESTION, low=0, high=1, choices=["w1"])


def test_choices_that_have_changed_forget_the_guess_of_before():
    Prediction("Who is first?", "w3", choices=["w1", "w3"])
    assert Prediction("Who is first?", choices=["w1", "w2"]).guess is None
    assert Prediction("Who is first?", low=0, high=3).guess is None


def test_what_stays_in_the_notebook_is_the_same_in_each_run():
    share = Prediction(QUESTION, low=0, high=30)
    asked = share._repr_mimebundle_()
    assert set(asked) == {"text/plain", WIDGET_VIEW}
    assert asked["text/plain"].splitlines()[0] == f"Your guess, 0 to 30: {QUESTION}"
    one, _ = share.compare(11)._repr_mimebundle_()
    other, _ = share.compare(12)._repr_mimebundle_()
    assert one["text/plain"] == other["text/plain"] == f"{QUESTION}: no guess this time."


def test_where_no_widget_lives_a_picture_has_what_was_measured():
    shown, metadata = Prediction(QUESTION, low=0, high=30).compare(11)._repr_mimebundle_()
    told = f"{QUESTION}: measured 11: no guess this time"
    assert metadata == {"image/png": {"alt": told}}
    with Image.open(BytesIO(base64.b64decode(shown["image/png"]))) as image:
        assert image.info["Description"] == told


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ({"low": 0, "high": 30}, "No slider to see here? In the line with Prediction(…) above, "),
        ({"low": 0, "high": 30}, "put your guess behind the question: guess=15."),
        (
            {"choices": ["w1", "w2"]},
            "No choice to see here? In the line with Prediction(…) above, ",
        ),
        ({"choices": ["w1", "w2"]}, 'put your guess behind the question: guess="w1".'),
    ],
)
def test_without_widgets_the_text_names_the_line_to_change(made, told):
    assert told in repr(Prediction(QUESTION, **made))
    example = told.rpartition("guess=")[2].rstrip(".").strip('"')
    if "guess=" in told:  # and what it says can be done
        guess = example if "choices" in made else float(example)
        answered = Prediction(QUESTION, guess=guess, **made)
        assert repr(answered).endswith(f"{QUESTION} Your guess: {example}.")


def test_a_question_is_text_and_not_html():
    share = Prediction("a < b & c", low=0, high=1)
    comparison = share.compare(0)
    comparison._repr_mimebundle_()
    assert "a &lt; b &amp; c" in comparison._shown.value


def test_numbers_stand_as_people_write_them():
    share = Prediction("Tasks per second", guess=999.9, low=0, high=2000)
    assert "measured 1,234,567: you predicted 1,000, 1,233,567 less" in str(
        share.compare(1_234_567)
    )


def test_the_guess_that_is_proposed_is_a_number_of_python_s():
    assert "0 to 20,000" in repr(share := Prediction("Tasks", low=0, high=20_000))
    assert repr(share).endswith("guess=10000.")


def test_a_question_needs_no_drawing():
    code = "import sys; from zmqlab.show import Prediction; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
