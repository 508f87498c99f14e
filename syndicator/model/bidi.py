"""The characters that turn the direction of text: they may show a name as another one."""

#: Code points of Unicode's property Bidi_Control (UAX #9).
BIDI_CONTROLS = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
