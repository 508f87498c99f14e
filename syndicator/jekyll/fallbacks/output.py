"""The HTML that is written while regular HTML is read, and what was lost."""

from collections.abc import Callable

from msgspec import Struct, field

from syndicator.jekyll.addresses import PageAddresses
from syndicator.jekyll.fallbacks.losses import MAX_NAMED, Loss, LossKind
from syndicator.jekyll.fallbacks.noscript_twins import NoscriptTwins
from syndicator.jekyll.fallbacks.regular_html import Token

#: Elements that show something, without their content.
MEDIA = frozenset({"a", "audio", "iframe", "img", "math", "video"})


class Open(Struct):
    """An element whose end tag follows."""

    end: str = ""  #: what is written at its end
    on_end: Callable[[], None] | None = None  #: called after that
    skipped: bool = False  #: True: its content is not written


SKIPPED = Open(skipped=True)


class Drawing(Struct):
    """The words in an SVG drawing, escaped."""

    label: str = ""
    title: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    in_title: bool = False

    def read(self, text: str) -> None:
        (self.title if self.in_title else self.texts).append(text)

    @property
    def words(self) -> str:
        """Its title or label, or the texts that it shows."""
        titles = "".join(self.title).strip() or self.label
        return titles or " ".join("".join(self.texts).split())


class Output:
    """The pieces of HTML written so far, and what later ones depend on."""

    def __init__(
        self,
        base: str,
        frame_hosts: frozenset[str],
        link_schemes: frozenset[str],
        *,
        untitled_links: bool,
    ) -> None:
        self.addresses = PageAddresses(base)
        self.frame_hosts = frame_hosts
        self.link_schemes = link_schemes
        self.untitled_links = untitled_links  #: False: a link without a title has no text
        self.written: list[str] = []
        self.losses: dict[LossKind, Loss] = {}
        self.twins = NoscriptTwins(self.written)
        self.media = 0  #: elements of MEDIA written so far
        self.texts = 0  #: texts written so far, without white space
        self.as_text = 0  #: open elements whose tags are shown as text
        self.stands_apart = False  #: the last element stands apart from what follows
        self.has_formula = False  #: in the KaTeX that is being read
        self.formulas = 0  #: in MathML, written so far
        self.in_mathjax = False  #: its drawings are formulas
        self.drawing: Drawing | None = None  #: that is being read
        self.pictures_left_out: list[tuple[int, str]] = []  #: see `leave_out_picture`

    @property
    def shown(self) -> tuple[int, int, int]:
        """Changes if something is shown, or is counted as a custom element that shows nothing."""
        lost = self.losses.get(LossKind.CUSTOM)
        return self.media, self.texts, lost.number if lost else 0

    def write(self, piece: str) -> None:
        """Write a tag, or a text that is escaped."""
        self.twins.saw(piece)
        self.written.append(piece)

    def write_text(self, text: str) -> None:
        """Write an escaped text from the page, apart from an element that stood apart there."""
        if self.stands_apart and text[0].isalnum():
            text = f" {text}"
        elif text[0] == "\n" and self.written and self.written[-1].startswith("<pre"):
            text = f"\n{text}"  # the parser drops the first
        self.stands_apart = False
        self.texts += not text.isspace()
        self.write(text)

    def leave_out_picture(self, begin: int, sought: str) -> None:
        """Count a picture that was left out, unless a twin in <noscript> replaces it.

        `begin` is the number of the piece that was written instead.
        """
        self.pictures_left_out.append((begin, sought))

    def count_pictures_left_out(self) -> None:
        for begin, sought in self.pictures_left_out:
            if begin not in self.twins.removed:
                self.lose(LossKind.PICTURE, sought)

    def lose(self, kind: LossKind, sought: str, named: str = "") -> None:
        """Count a loss; see `Loss`."""
        loss = self.losses.get(kind) or Loss(kind, 0, sought)
        names = loss.named
        if named and named not in names and len(names) < MAX_NAMED:
            names = (*names, named)
        self.losses[kind] = loss._replace(number=loss.number + 1, named=names)


def as_it_is(out: Output, token: Token, name: str) -> Open:
    out.media += name in MEDIA
    out.write(token.text)
    return Open(f"</{name}>")
