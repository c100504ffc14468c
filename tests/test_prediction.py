import html
import re
import subprocess
import sys

import pytest

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


def test_the_slider_sets_the_guess():
    share = Prediction(QUESTION, low=0, high=30)
    share.slider.value = 12
    assert share.guess == 12
    assert "you predicted 12" in str(share.compare(15))


def test_a_comparison_on_display_follows_the_slider():
    share = Prediction(QUESTION, low=0, high=30)
    comparison = share.compare(10)
    comparison._repr_mimebundle_()
    assert "no guess this time" in plain(comparison)
    share.slider.value = 12
    assert "you predicted 12, 2 more" in plain(comparison)
    share.slider.value = 9
    assert "you predicted 9, 1 less" in plain(comparison)
    assert "▼ your guess" in comparison._shown.value


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
    comparison = Prediction(QUESTION, guess=10, low=0, high=30).compare(measured)
    places = [float(x) for x in re.findall(r'x1="([\d.]+)"', comparison._scale())]
    assert all(20 <= x <= 380 for x in places)


def test_a_guess_in_the_code_may_lie_outside_of_the_slider():
    assert Prediction(QUESTION, guess=99, low=0, high=30).slider.max == 99


def test_fractions_have_a_slider_of_fractions():
    share = Prediction("Seconds until all is done", low=0.0, high=2.0)
    share.slider.value = 0.12
    assert share.guess == pytest.approx(0.12)
    assert "measured 0.333: you predicted 0.12, 0.213 less" in str(share.compare(1 / 3))


def test_nearly_the_same_is_said_to_be_the_same():
    share = Prediction("Seconds until all is done", guess=0.5, low=0.0, high=2.0)
    assert str(share.compare(0.5001)).endswith("and so it is")


def test_a_slider_needs_two_ends():
    with pytest.raises(ValueError, match="low must be less than high; got low=3, high=3"):
        Prediction(QUESTION, low=3, high=3)


def test_what_stays_in_the_notebook_is_the_same_in_each_run():
    share = Prediction(QUESTION, low=0, high=30)
    bundles = [share._repr_mimebundle_(), share.compare(11)._repr_mimebundle_()]
    assert [bundle["text/plain"] for bundle in bundles] == [
        f"Your guess, 0 to 30: {QUESTION}",
        f"{QUESTION}: no guess this time.",
    ]
    assert all(set(bundle) == {"text/plain", WIDGET_VIEW} for bundle in bundles)


def test_a_question_is_text_and_not_html():
    share = Prediction("a < b & c", low=0, high=1)
    comparison = share.compare(0)
    comparison._repr_mimebundle_()
    assert "a &lt; b &amp; c" in comparison._shown.value


def test_numbers_stand_as_people_write_them():
    share = Prediction("Tasks per second", guess=999.9, low=0, high=2000)
    assert "measured 1234567: you predicted 1000, 1233567 less" in str(share.compare(1_234_567))


def test_a_question_needs_no_drawing():
    code = "import sys; from zmqlab.show import Prediction; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
