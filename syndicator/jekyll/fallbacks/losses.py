"""What a post's HTML has and a feed can't show, as notes for its author."""

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from syndicator.model.content import Post, Problem

#: Addresses or hosts that a note names.
MAX_NAMED = 3


class LossKind(Enum):
    """The message for one, the message for `{}`, and what the author can do."""

    FRAME = (
        "a frame became a link",
        "{} frames became links",
        "to keep a frame, add its host to feeds.players, if you trust the host's scripts",
    )
    FRAME_WITHOUT_ADDRESS = (
        "a frame without a web address was left out",
        "{} frames without a web address were left out",
        "give it an http or https address, or link to what it shows",
    )
    OBJECT = (
        "an object without an address or a fallback was left out",
        "{} objects without an address or a fallback were left out",
        "put a picture or a link inside it",
    )
    TITLED_DRAWING = (
        "an SVG drawing was replaced by its title or texts",
        "{} SVG drawings were replaced by their titles or texts",
        "save it as a file and show it with <img>, which readers can",
    )
    DRAWING = (
        "an SVG drawing without a title or texts was left out",
        "{} SVG drawings without a title or texts were left out",
        "save it as a file and show it with <img>, or give it a <title>;"
        ' aria-hidden="true" marks a decoration',
    )
    CANVAS = (
        "a canvas was left out: scripts draw it",
        "{} canvases were left out: scripts draw them",
        "put a picture or a text inside it",
    )
    PICTURE = (
        "a picture or recording was left out: it has no address of the web, or is an embedded SVG",
        "{} pictures or recordings were left out: they have no address of the web, or are"
        " embedded SVGs",
        "save it as a file of the site",
    )
    BACKGROUND = (
        "a background picture was left out: there is a text before it",
        "{} background pictures were left out: there are texts before them",
        "show it with <img> if readers should see it",
    )
    CUSTOM = (
        "an element that a script fills was left out",
        "{} elements that scripts fill were left out",
        "put a link, a picture or a text inside it",
    )
    HIDDEN = (
        "a hidden element was left out",
        "{} hidden elements were left out",
        "remove `hidden` or `display: none` if readers should see it; <details> works in feeds",
    )
    FIELD = (
        "a form's field was left out",
        "{} fields of forms were left out",
        "link to the page that has the form",
    )
    UNCLOSED = (
        "an unclosed element is repeated in so many others that frames, forms and drawings were"
        " left out",
        "{} unclosed elements are repeated in so many others that frames, forms and drawings were"
        " left out",
        "close each tag",
    )
    LINK = (
        "a link lost its address, whose scheme is not allowed",
        "{} links lost their addresses, whose schemes are not allowed",
        "add the scheme to feeds.schemes, if a reader's program should open it;"
        " a host needs https:// before it",
    )
    CODE_LINK = (
        "a link lost its address, which is code, data or a local file",
        "{} links lost their addresses, which are code, data or local files",
        "link to a page or a file of the site; feeds.schemes can't allow this scheme",
    )
    SCRIPT = (
        "a script was left out",
        "{} scripts were left out",
        "link to what it shows, or put that into <noscript> after it",
    )


class Loss(NamedTuple):
    """All losses of one kind in a post."""

    kind: LossKind
    number: int
    sought: str  #: a text by which the first one can be found in the post's source
    named: tuple[str, ...] = ()  #: at most MAX_NAMED


def notes(losses: Iterable[Loss], post: Post) -> list[Problem]:
    """One note for each loss, with the line of the first one.

    The line is that of the text `sought`, or the body's first line if an include or Liquid wrote
    it.
    """
    return [
        Problem(
            path=post.head.path,
            line=_line(post, loss.sought),
            message=_message(loss),
            hint=loss.kind.value[2],
            note=True,
        )
        for loss in losses
    ]


def _message(loss: Loss) -> str:
    one, many, _ = loss.kind.value
    names = f" ({', '.join(loss.named)})" if loss.named else ""
    return (one if loss.number == 1 else many.format(loss.number)) + names


def _line(post: Post, sought: str) -> int:
    at = post.body.find(sought)
    return post.body_line + post.body.count("\n", 0, max(at, 0))
