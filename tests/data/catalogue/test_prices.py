import pytest

from findalike.data.catalogue.base import BadValue
from findalike.data.catalogue.prices import DecimalStyle, checked_price, parse_number


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("12.50", 12.5, None),
        ("12,50", 12.5, None),
        ("1.234,56", 1234.56, None),
        ("1,234.56", 1234.56, None),
        ("1,234", 1234, None),
        ("1.234", 1.234, None),
        ("0,125", 0.125, None),
        ("1.234.567", 1234567, None),
        ("12,34,567.80", 1234567.8, None),
        ("1 234,56 €", 1234.56, "€"),
        ("1\u202f234,56\u00a0€", 1234.56, "€"),
        ("1'234.50 CHF", 1234.5, "CHF"),
        ("$12.50", 12.5, "$"),
        ("US$ 12", 12, "US$"),
        ("12.50 EUR", 12.5, "EUR"),
        ("EUR 12.50", 12.5, "EUR"),
        ("$12.50 USD", 12.5, "USD"),
        ("99 kr.", 99, "kr."),
        ("Rs. 99", 99, "Rs."),
        ("zł9", 9, "zł"),
        ("12,-", 12, None),
        (".99", 0.99, None),
        ("0", 0, None),
        (7, 7, None),
        (7.25, 7.25, None),
        ("", None, None),
        (float("nan"), None, None),
        (None, None, None),
    ],
)
def test_prices_as_people_and_programs_write_them(text, amount, currency):
    assert checked_price("price", text) == (amount, currency)


@pytest.mark.parametrize(
    "text",
    ["-12", "-0.01", "−5", "free", "12 50", "1,23,4", "12.50.20", "NaN", "inf", "1e5", "£", "?12"],
)
def test_what_is_no_price_is_refused(text):
    with pytest.raises(BadValue) as refused:
        checked_price("price", text)
    assert refused.value.field_name == "price"
    assert "12.50" in refused.value.allowed


@pytest.mark.parametrize(
    "text",
    ["9" * 20, "1" * 100, "12.50 USD EUR", "12 apples and a pear", "--5", True, float("inf"), -1],
)
def test_amounts_out_of_range_and_long_texts_are_refused(text):
    with pytest.raises(BadValue):
        checked_price("price", text)


def style_of(*amounts):
    style = DecimalStyle()
    for amount in amounts:
        style.observe(amount)
    return style.comma


def test_one_price_with_cents_after_a_comma_settles_what_dots_are():
    assert style_of("1.234", "12,50")
    assert checked_price("price", "1.234", decimal_comma=True) == (1234, None)
    assert checked_price("price", "1,234", decimal_comma=True) == (1.234, None)


def test_cents_after_dots_and_thousands_do_not():
    assert not style_of("1,234", "12.50")
    assert not style_of("1.234,50", "12.50")
    assert not style_of("1234", None, 12.5)
    assert not style_of("1,234.56")


def test_numbers_keep_their_sign():
    assert parse_number("-1.234,5") == -1234.5
    assert parse_number("") is None
    assert parse_number("1e400") is None
    assert parse_number("٣") is None
