"""Numbers as a reader wants them."""


def count(value: float) -> str:
    """11441384 -> "11.4 M" """
    for limit, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:.3g} {unit}"
    return f"{value:.3g}"


def duration(seconds: float) -> str:
    """75 -> "1:15", 3675 -> "1:01:15" """
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def memory(size: float) -> str:
    """Bytes -> "1.5 GiB" """
    if size >= 1 << 30:
        return f"{size / (1 << 30):.1f} GiB"
    return f"{size / (1 << 20):.0f} MiB"


def percent(value: float) -> str:
    return f"{value:.1f} %"


def decibel(value: float | None) -> str:
    """A peak signal-to-noise ratio; None stands for an infinite one."""
    return "equal" if value is None else f"{value:.2f} dB"


def digits(value: float, number: int = 3) -> str:
    """0.0036561 -> "0.00366", 0.0000012345 -> "1.23e-6" """
    mantissa, _, exponent = f"{value:.{number}g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa
