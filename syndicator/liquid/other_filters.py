"""Filters on numbers, dates, addresses and values of any kind."""

import datetime as dt
import json
import math
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from syndicator.liquid.context import Context
from syndicator.liquid.limits import Allowance, LiquidLimitError, Meter
from syndicator.liquid.values import Number, get, is_array, nil, to_i, to_number, to_s
from syndicator.ruby.dates import to_date
from syndicator.ruby.strftime import ordinal, strftime
from syndicator.ruby.uris import is_absolute, join_address

#: Characters of a date's format. Each directive writes up to 999, and takes some microseconds.
_LONGEST_FORM = 1_000


def plus(_: Context, value: object, other: object) -> Number:
    return _exact(value, other, lambda a, b: a + b)


def minus(_: Context, value: object, other: object) -> Number:
    return _exact(value, other, lambda a, b: a - b)


def times(_: Context, value: object, other: object) -> Number:
    return _exact(value, other, lambda a, b: a * b)


def divided_by(_: Context, value: object, other: object) -> Number:
    left, right = to_number(value), to_number(other)
    return left // right if isinstance(left, int) and isinstance(right, int) else left / right


def modulo(_: Context, value: object, other: object) -> Number:
    return to_number(value) % to_number(other)


def abs_(_: Context, value: object) -> Number:
    return abs(to_number(value))


def ceil(_: Context, value: object) -> int:
    return math.ceil(to_number(value))


def floor(_: Context, value: object) -> int:
    return math.floor(to_number(value))


def round_(_: Context, value: object, digits: object = 0) -> Number:
    """Halves go away from zero, as in Ruby."""
    number, places = to_number(value), min(max(to_i(digits), -300), 300)
    try:
        rounded = Decimal(str(number)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    except InvalidOperation:  # to more digits than it has
        return number
    return float(rounded) if places > 0 and isinstance(number, float) else int(rounded)


def at_least(_: Context, value: object, least: object) -> Number:
    return max(to_number(value), to_number(least))


def at_most(_: Context, value: object, most: object) -> Number:
    return min(to_number(value), to_number(most))


def to_integer(_: Context, value: object) -> int:
    return to_i(value)


def _exact(value: object, other: object, operate: Callable[[Decimal, Decimal], Decimal]) -> Number:
    left, right = to_number(value), to_number(other)
    if isinstance(left, int) and isinstance(right, int):
        return operate(left, right)  # type: ignore[arg-type, return-value]
    return float(operate(Decimal(str(left)), Decimal(str(right))))


def default(
    _: Context, value: object, other: object = "", *, allow_false: object = False
) -> object:
    if value is False and nil(allow_false):
        return value
    empty = (
        value is None
        or value is False
        or ((is_array(value) or isinstance(value, (str, Mapping))) and not value)
    )
    return other if empty else value


def date(context: Context, value: object, form: object) -> object:
    said = to_s(form)
    if len(said) > _LONGEST_FORM:
        raise LiquidLimitError(
            f"the Liquid has a date's format of more than {_LONGEST_FORM:,} characters", token=None
        )
    context.run.meter.spend(len(said) // 2)
    moment = to_date(value, context.run.zone, _now(context, value)) if said else None
    return value if moment is None else strftime(moment, said)


def date_to_xmlschema(context: Context, value: object) -> object:
    return _dated(context, value, "%Y-%m-%dT%H:%M:%S%:z")


def date_to_rfc822(context: Context, value: object) -> object:
    return _dated(context, value, "%a, %d %b %Y %H:%M:%S %z")


def date_to_string(
    context: Context, value: object, kind: object = None, style: object = None
) -> object:
    return _dated(context, value, "%d %b %Y", kind, style)


def date_to_long_string(
    context: Context, value: object, kind: object = None, style: object = None
) -> object:
    return _dated(context, value, "%d %B %Y", kind, style)


def _dated(
    context: Context, value: object, form: str, kind: object = None, style: object = None
) -> object:
    """A date in the site's zone (jekyll/lib/jekyll/filters/date_filters.rb)."""
    if not to_s(value):
        return value
    moment = to_date(value, context.run.zone, _now(context, value))
    if moment is None:
        raise ValueError(f"'{to_s(value)}' is not a date")
    moment = moment.astimezone(context.run.zone)
    if kind == "ordinal":
        day, month = ordinal(moment.day), form.split()[1]
        form = f"{month} {day}, %Y" if style == "US" else f"{day} {month} %Y"
    return strftime(moment, form)


def _now(context: Context, value: object) -> dt.datetime | None:
    return (
        context.run.newest()
        if isinstance(value, str) and value.strip().lower() in ("now", "today")
        else None
    )


def relative_url(context: Context, value: object) -> str | None:
    return _address(context, value, "", context.run.site.baseurl)


def absolute_url(context: Context, value: object) -> str | None:
    return _address(context, value, context.run.site.url, context.run.site.baseurl)


def strip_index(_: Context, value: object) -> object:
    text = to_s(value)
    for index in ("/index.html", "/index.htm"):
        if text.endswith(index):
            return text.removesuffix(index) + "/"
    return value


def _address(context: Context, value: object, url: str, baseurl: str) -> str | None:
    if value is None:
        return None
    address = to_s(get(value, "url") if isinstance(value, Mapping) else value)
    context.run.meter.spend(len(address) // 2)
    return address if is_absolute(address) else join_address(url, baseurl, address)


def jsonify(context: Context, value: object) -> str:
    return json.dumps(
        _plain(value, context.run.meter, Allowance()), ensure_ascii=False, separators=(",", ":")
    )


def _plain(value: object, meter: Meter, left: Allowance) -> object:
    meter.spend()
    left.take(len(value) if isinstance(value, str) else 0)
    value = nil(value)
    if isinstance(value, Mapping):
        return {to_s(key): _plain(item, meter, left) for key, item in value.items()}
    if is_array(value):
        return [_plain(item, meter, left) for item in value]  # type: ignore[attr-defined]
    return (
        to_s(value)
        if isinstance(value, dt.date) or not isinstance(value, (str, int, float, type(None)))
        else value
    )


FILTERS: dict[str, Callable[..., object]] = {
    each.__name__.rstrip("_"): each
    for each in (
        *(
            plus,
            minus,
            times,
            divided_by,
            modulo,
            abs_,
            ceil,
            floor,
            round_,
            at_least,
            at_most,
            to_integer,
            default,
        ),
        *(date, date_to_xmlschema, date_to_rfc822, date_to_string, date_to_long_string),
        *(relative_url, absolute_url, strip_index, jsonify),
    )
}
