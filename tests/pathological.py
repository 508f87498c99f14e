"""Markdown made to be slow: one construct repeated, or several that refer to each other."""

from collections.abc import Callable

Kind = Callable[[int], str]


def _unit(unit: str, before: str = "", after: str = "") -> Kind:
    """A text that repeats a part up to a size."""

    def text(size: int) -> str:
        return before + unit * max(1, (size - len(before) - len(after)) // len(unit)) + after

    return text


def _numbered(unit: Callable[[int], str], before: str = "", after: str = "") -> Kind:
    """A text of parts that depend on their number, up to a size."""

    def text(size: int) -> str:
        parts = [before]
        left = size - len(before) - len(after)
        number = 0
        while left > 0:
            parts.append(unit(number))
            left -= len(parts[-1])
            number += 1
        return "".join([*parts, after])

    return text


def _halves(first: str, second: str) -> Kind:
    """A text that repeats one part, then another as often."""

    def text(size: int) -> str:
        times = max(1, size // (len(first) + len(second)))
        return first * times + second * times

    return text


def _growing(unit: Callable[[int], str]) -> Kind:
    """A text of parts of length 1, 2, 3 and so on, up to a size."""
    return _numbered(lambda number: unit(number + 1))


UNITS = {
    "emphasis opened by stars": "*a ",
    "emphasis opened by lines": "_a ",
    "strong opened": "**a ",
    "strong opened by lines": "__a ",
    "emphasis of both kinds": "*a _b ",
    "emphasis of four kinds": "*a **b _c __d ",
    "three stars": "***a ",
    "four stars": "****a",
    "stars alone": "*",
    "lines alone": "_",
    "pairs of stars": "** ",
    "stars after words": "a* ",
    "emphasis in emphasis": "*a **b* c** ",
    "emphasis across paragraphs": "*a\n\n",
    "emphasis in words": "a*b",
    "emphasis, complete": "*a* ",
    "strikethrough opened": "~~a ",
    "strikethrough with spaces": "~~ a",
    "tildes alone": "~",
    "strikethrough and emphasis": "~~*a~~ ",
    "brackets opened": "[",
    "brackets closed": "]",
    "brackets of pairs": "[]",
    "brackets with words": "[a ",
    "images opened": "![",
    "images with words": "![a ",
    "links in links": "[a](b[",
    "link to nowhere": "[a](",
    "link with a quote": '[a](b "',
    "link with an apostrophe": "[a](b '",
    "image with a quote": '![a](b "',
    "image with an apostrophe": "![a](b '",
    "link with a quote across lines": '[a](b\n"',
    "link with an apostrophe across lines": "[a](b\n'",
    "link with both quotes": "[a](b \"c '",
    "link with a closed quote": '[a](b "c" ',
    "link with an open title and end": '[a](b "c)',
    "link with an angle": "[a](<b",
    "link with an angle and quote": '[a](<b> "',
    "link with parentheses": "[a]((",
    "link with spaces": "[a](b  ",
    "link with spaces and quote": '[a](b      "      ',
    "links, complete": "[a](b) ",
    "links with titles": '[a](b "c") ',
    "images, complete": "![a](b) ",
    "images in links": "[![a](b)](c) ",
    "images in an open link": "![a](b)",
    "links and emphasis": "[*a](b",
    "references": "[a][b] ",
    "references opened": "[a][",
    "references with spaces": "[a]     ",
    "definitions": "[a]: b\n",
    "definitions with titles": '[a]: b "c"\n',
    "definitions with open titles": '[a]: b "c\n',
    "definitions with titles below": '[a]: b\n "c\n',
    "definitions with spaces": "[a]:          b          \n",
    "definitions of nothing": "[a]:\n",
    "footnotes undefined": "[^a] ",
    "footnotes opened": "[^a",
    "footnote definitions": "[^a]: b\n",
    "footnote definitions with blank lines": "[^a]: b\n\n",
    "footnote definitions with code": "[^a]: b\n\n        c\n\n",
    "abbreviations of one word": "*[a]: b\n",
    "abbreviations opened": "*[a\n",
    "rows": "a|b\n",
    "rows with rules": "|a|b|\n|-|-|\n",
    "rows of rules": "|-|-|\n",
    "rows with feet": "|a|\n|=|\n",
    "rows of feet": "|=|\n",
    "rows with code": "|`a|\n",
    "rows with code elements": "|<code>a|\n",
    "rows with elements": "|<b>a|\n",
    "rows with blank lines": "a|b\n\n",
    "rows that are no table": "a|b\nc\n\n",
    "cells": "|",
    "cells with words": "a|",
    "cells with code": "|`a` ",
    "cells escaped": "\\|",
    "items": "* a\n",
    "items without text": "* \n",
    "items numbered": "1. a\n",
    "items with blank lines": "* a\n\n",
    "items of two kinds": "* a\n1. b\n",
    "items with tabs": "*\ta\n",
    "items in one line": "* ",
    "items in items": "* * a\n",
    "items with nested items": "* a\n  * b\n",
    "items with paragraphs": "* a\n\n  b\n",
    "items with code": "* a\n\n      b\n",
    "items with attributes": "* {:.a} b\n",
    "items of attributes": "* {:.a}\n",
    "items with ends": "* a\n^\n",
    "items and rules": "* a\n***\n",
    "tasks": "- [ ] a\n",
    "definition lists": "a\n: b\n",
    "definition lists with blank lines": "a\n\n: b\n\n",
    "definitions in one list": ": b\n",
    "colons": ": ",
    "quotes in one line": "> ",
    "quotes": "> a\n",
    "quotes with blank lines": "> a\n\n",
    "quotes without ends": ">",
    "quotes with items": "> * a\n",
    "headings": "# a\n",
    "headings with blank lines": "# a\n\n",
    "headings without text": "#\n",
    "headings of hashes": "#",
    "headings with hashes": "# a # # ",
    "headings with ids": "# a {#b}\n",
    "headings underlined": "a\n=\n",
    "headings underlined, with blank lines": "a\n-\n\n",
    "rules": "---\n",
    "rules in one line": "- ",
    "rules of underscores": "_ _ _\n",
    "attributes of spans": "*a*{:.b} ",
    "attributes of one span": "{:.b}",
    "attributes opened": "{:a ",
    "attributes with quotes": '{:a="',
    "attributes of blocks": "a\n{:.b}\n\n",
    "attributes in lines": "{:.b}\n",
    "attributes named": "{:a: .b}\n",
    "attributes of themselves": "{:a: a}\n",
    "attributes with slashes": "{:a\\",
    "braces": "{",
    "extensions opened": "{::comment}",
    "extensions of spans": "a{::comment}b{:/} ",
    "extensions in lines": "{::comment}\n",
    "extensions, complete": "{::comment}\na\n{:/}\n",
    "extensions of options": "{::options auto_ids='false' /}\n",
    "extensions of no kind": "{::nothing}\na\n{:/}\n",
    "extensions raw": "{::nomarkdown}\n",
    "extensions with lists": "{::a b",
    "ticks": "`",
    "ticks with words": "`a ",
    "ticks of two lengths": "`a``b",
    "ticks, complete": "`a` ",
    "ticks escaped": "\\`",
    "fences": "```\n",
    "fences of tildes": "~~~\n",
    "fences with languages": "```ruby\n",
    "fences, complete": "```\na\n```\n",
    "fences highlighted": "```ruby\na = 1\n```\n",
    "fences with spaces": "```               a b\n",
    "code": "    a\n",
    "code with blank lines": "    a\n\n",
    "code with lazy lines": "    a\nb\n",
    "code and paragraphs": "a\n\n    b\n\n",
    "elements": "<b>",
    "elements closed": "</b>",
    "elements of two kinds": "<b><i>",
    "elements closed wrongly": "<b><i></b></i>",
    "elements with words": "<b>a ",
    "elements opened": "<b ",
    "elements with attributes": '<b a="',
    "elements with apostrophes": "<b a='",
    "elements with many attributes": "<b a=b ",
    "elements raw": "<code>a ",
    "elements in paragraphs": "a <b>\n\n",
    "elements with names": "<a:",
    "blocks of HTML": "<div>\n",
    "blocks of HTML, complete": "<div>a</div>\n",
    "blocks of HTML closed": "</div>\n",
    "blocks of HTML closed wrongly": "<div><p></div></p>\n",
    "blocks of HTML with Markdown": '<div markdown="1">\n',
    "blocks of HTML with lines": '<p markdown="span">\n',
    "blocks of HTML and words": "a <div> ",
    "blocks of HTML in one line": "<p>a",
    "blocks of scripts": "<script>",
    "blocks of scripts in lines": "<script>\n",
    "blocks of styles, complete": "<style>a</style>\n",
    "comments": "<!--",
    "comments in lines": "<!-- a\n",
    "comments, complete": "<!-- a -->",
    "comments closed": "-->",
    "character data": "<![CDATA[",
    "instructions": "<?a ",
    "instructions in blocks": "<div><?a ",
    "comments in blocks": "<div><!-- ",
    "declarations": "<!DOCTYPE a ",
    "entities": "&amp;",
    "ampersands": "&",
    "entities unknown": "&a;",
    "entities opened": "&a",
    "entities of numbers": "&#1",
    "angles": "<",
    "angles closed": ">",
    "autolinks": "<http://a ",
    "autolinks, complete": "<http://a>",
    "autolinks of mail": "<a@b ",
    "autolinks of dots": "<a.",
    "guillemets": "<< ",
    "guillemets closed": " >>",
    "guillemets escaped": "\\<<",
    "mathematics": "$$",
    "mathematics opened": "$$a\n\n",
    "mathematics, complete": "$$a$$ ",
    "mathematics escaped": "\\$$ ",
    "mathematics in blocks": "$$\na\n$$\n\n",
    "mathematics with words after": "$$a$$ b\n\n",
    "dollars": "$",
    "quotation marks": '"',
    "apostrophes": "'",
    "quotation marks of both kinds": "\"'",
    "quotation marks with words": '"a ',
    "dashes": "--",
    "dashes in words": "a--b",
    "dots": "...",
    "backslashes": "\\",
    "escapes": "\\*",
    "breaks of lines": "a  \n",
    "breaks of lines by slashes": "a\\\n",
    "breaks of lines by two slashes": "a\\\\\n",
    "ends": "^\n",
    "ends and words": "^\na\n",
    "carets": "^",
    "lines": "a\n",
    "lines of Windows": "a\r\n",
    "lines of an old Mac": "a\r",
    "lines without text": "\n",
    "lines of spaces": "    \n",
    "lines of three spaces": "   \n",
    "lines with spaces": "a      \n",
    "lines of form feeds": "\f\n",
    "letters": "a",
    "words": "a ",
    "spaces": " ",
    "tabs": "\t",
    "tabs and spaces": "\t ",
    "NULs": "\0",
    "NULs and words": "\0a ",
    "accents": "e\u0301\u0302",
    "marks of direction": "\u202e\u05d0",
    "no-break spaces": "\u00a0",
    "emoji": "\U0001f469\u200d\U0001f467 ",
    "ideographs": "\u4e00\n",
    "byte order marks": "\ufeff",
    "separators of lines": "a\u2028",
}

KINDS: dict[str, Kind] = {name: _unit(unit) for name, unit in UNITS.items()} | {
    "emphasis nested": _halves("*a _b ", " b_ a*"),
    "emphasis opened, one end": _unit("*a ", after="b*"),
    "strong opened, one end": _unit("**a ", after="b**"),
    "brackets nested": _halves("[", "]"),
    "brackets nested, with targets": _halves("[", "](a)"),
    "images nested": _halves("![", "](a)"),
    "parentheses nested": lambda size: "[a](" + _halves("(", ")")(size),
    "brackets opened, one end": _unit("[", after="]"),
    "links opened, one parenthesis": _unit("[a](", after=")"),
    "link with quotes, one end": _unit('[a](b "', after='c")'),
    "link with apostrophes, one end": _unit("[a](b '", after="c')"),
    "images with quotes, one end": _unit('![a](b "', after='c")'),
    "link with angles, one end": _unit("[a](<b", after=">"),
    "references to one": _unit("[a][b] ", after="\n\n[b]: /c\n"),
    "references to a long title": lambda size: (
        "[a] " * (size // 8) + f'\n\n[a]: /b "{"c" * min(4_000, size // 2)}"\n'
    ),
    "references to a long address": lambda size: (
        "[a] " * (size // 8) + f"\n\n[a]: /{'b' * min(4_000, size // 2)}\n"
    ),
    "references to attributes": lambda size: (
        "[a] " * (size // 8) + f'\n\n[a]: /b\n{{:title="{"c" * min(490, size // 2)}"}}\n'
    ),
    "references with spaces in names": _numbered(lambda _: "[a" + " " * 50 + "b] "),
    "definitions of many": _numbered(lambda number: f"[a{number}]: /b\n"),
    "definitions in one line": _unit(" a", before="[a]:"),
    "definition of spaces": _unit(" ", before="[a]:", after="b\n"),
    "definition with a long title": _unit("a", before='[a]: b "'),
    "definition with quotes": _unit(' "a', before="[a]: b"),
    "footnotes used": _unit("[^1]", after="\n\n[^1]: a\n"),
    "footnotes used, two": _unit("[^1][^2]", after="\n\n[^1]: a\n\n[^2]: b\n"),
    "footnotes of many": lambda size: (
        _numbered(lambda number: f"[^{number}]", after="\n\n")(size // 2)
        + _numbered(lambda number: f"[^{number}]: a\n")(size // 2)
    ),
    "footnotes in footnotes": _numbered(
        lambda number: f"[^{number}]: a[^{number + 1}]\n\n", before="[^0]\n\n"
    ),
    "footnotes of themselves": _unit("[^1]", before="[^1]\n\n[^1]: a", after="\n"),
    "footnotes nested": lambda size: (
        "[^1]\n\n"
        + "\n".join("    " * depth + "[^1]: a" for depth in range(int((size / 2) ** 0.5)))
    ),
    "footnotes in headings": _unit("# [^1]\n\n", after="[^1]: a\n\n* a\n{:toc}\n"),
    "footnotes placed": _unit("* a\n{:footnotes}\n\n", before="[^1]\n\n[^1]: a\n\n"),
    "abbreviations of many": _numbered(lambda number: f"*[a{number}]: b\n", before="a0 a9 a99\n\n"),
    "abbreviations used": _unit("a ", before="*[a]: b\n\n"),
    "abbreviations with a long title": lambda size: (
        f"*[a]: {'b' * (size // 2)}\n\n" + "a " * (size // 4)
    ),
    "abbreviations that nearly match": lambda size: (
        f"*[{'a ' * (size // 2)}b]: c\n\n" + "a " * (size // 4)
    ),
    "abbreviations of all lengths": lambda size: (
        "".join(f"*[{'a ' * length}b]: c\n" for length in range(1, int((size / 2) ** 0.5)))
        + "\n"
        + "a " * (size // 4)
    ),
    "abbreviations of accents": _numbered(lambda number: f"*[e\u0301{number}]: b\n"),
    "abbreviations of spaces": _unit("*[ ]: b\n", after="\n\n" + "  " * 100),
    "columns": _unit("a|", after="\n|-|\n"),
    "columns and rows": lambda size: "a|" * (size // 4) + "\n" + "|\n" * (size // 4),
    "columns and rows of one": lambda size: "a|" * (size // 4) + "\n" + "a|\n" * (size // 6),
    "columns and rules": lambda size: "a|" * (size // 4) + "\n" + "-|" * (size // 4) + "\n",
    "columns with code": _growing(lambda length: "|" + "`" * length),
    "columns with elements": _unit("|<code>", after="</code>\n"),
    "alignments": _unit(":-:|", before="|a|\n|"),
    "lists in lists": _growing(lambda depth: "  " * depth + "* a\n"),
    "lists in lists, with tabs": _growing(lambda depth: "\t" * depth + "* a\n"),
    "lists in lists, numbered": _growing(lambda depth: "   " * depth + "1. a\n"),
    "lists in lists, up and down": _numbered(lambda number: "  " * (number % 20) + "* a\n"),
    "lists in quotes": _growing(lambda depth: "> " * depth + "* a\n"),
    "quotes in quotes": _growing(lambda depth: ">" * depth + " a\n"),
    "definition lists in lists": _growing(
        lambda depth: "  " * depth + "a\n" + "  " * depth + ": b\n"
    ),
    "definitions of many terms": _unit("a\n", after=": b\n"),
    "item of many lines": _unit("a\n", before="* "),
    "item of many indented lines": _unit("  a\n", before="* "),
    "item of many paragraphs": _unit("  a\n\n", before="* a\n\n"),
    "item of many blanks": _unit("\n", before="* a\n", after="  b\n"),
    "items with ends of many lists": _unit("* a\n\n^\n\n"),
    "items numbered on": _numbered(lambda number: f"{number}. a\n"),
    "items with a long number": _unit("1", after=". a\n"),
    "table of contents": _unit("# a\n\n", before="* a\n{:toc}\n\n"),
    "table of contents of levels": _numbered(
        lambda number: "#" * (number % 6 + 1) + " a\n\n", before="* a\n{:toc}\n\n"
    ),
    "headings of many words": _unit("a ", before="# "),
    "headings with numbers": _numbered(lambda number: f"# a-{number}\n\n# a\n\n"),
    "headings in kramdown's own ids": _unit("# a\n\n", before="{::options input='kramdown' /}\n\n"),
    "headings of one text in quotes": _unit("> # a\n\n"),
    "rules with text": _unit("- ", after="a\n"),
    "attributes of a chain": _numbered(
        lambda number: f"{{:a{number}: a{number + 1} a{number + 1}}}\n", before="a\n{:a0}\n\n"
    ),
    "attributes of a long list": lambda size: (
        f"{{:a: {'.b' * min(240, size // 4)}}}\n\n" + "*a*{:a}" * (size // 14)
    ),
    "attributes named once, used often": lambda size: (
        "".join(f"{{:a: .{'b' * 490}}}\n" for _ in range(size // 1_000))
        + "\n"
        + "*a*{:a} " * (size // 16)
    ),
    "attributes of lists of lists": lambda size: (
        "".join(f"{{:a{n}: a{n + 1} .{'b' * 480}}}\n" for n in range(60))
        + "\n"
        + "*a*{:a0} " * (size // 9)
    ),
    "attributes of classes": _unit("{:.b}", before="*a*"),
    "ticks of all lengths": _growing(lambda length: "`" * length + " "),
    "ticks of all lengths, backwards": lambda size: " ".join(
        "`" * n for n in range(int((2 * size) ** 0.5), 0, -1)
    ),
    "fences of all lengths": _growing(lambda length: "~" * (length + 2) + "\n"),
    "fences of all lengths, backwards": lambda size: "\n".join(
        "~" * n for n in range(int((2 * size) ** 0.5), 2, -1)
    ),
    "fences in lists": _unit("* ```\n"),
    "fence of one language": _unit("a = '\n", before="```ruby\n", after="```\n"),
    "fences in many languages": _numbered(
        lambda number: (
            f"```{('ruby', 'html', 'perl', 'swift', 'php')[number % 5]}\n<a = '{{[\n```\n\n"
        )
    ),
    "elements nested": _halves("<b>", "</b>"),
    "elements of many names": _numbered(lambda number: f"<b{number}>"),
    "elements in elements, raw": _halves("<code>", "</code>"),
    "elements with one long attribute": _unit("a", before='<b a="', after='">'),
    "element of many attributes": _unit(" a=b", before="<b", after=">"),
    "element of many attributes, open": _unit(" a=b", before="<b"),
    "element of spaces": _unit(" ", before="<b"),
    "element of newlines": _unit("\n", before="<b a='", after="'>"),
    "blocks of HTML nested": _halves("<div>\n", "</div>\n"),
    "blocks of HTML, Markdown nested": _halves('<div markdown="1">\n', "</div>\n"),
    "blocks of HTML of many names": _numbered(lambda number: f"<x{number}>\n"),
    "blocks of HTML in raw blocks": _unit("<p>", before="<div>\n"),
    "blocks of HTML with open instructions": _unit("<?", before="<div>"),
    "blocks of HTML of names that do not close": _unit('<p markdown="span">a', before="<div>\n"),
    "comments, one end": _unit("<!-- ", after="-->"),
    "entity of a long name": _unit("a", before="&", after=";"),
    "entity of a long number": _unit("1", before="&#", after=";"),
    "autolink of one address": _unit("a", before="<http://", after=">"),
    "autolinks, one end": _unit("<http://", after=">"),
    "mathematics, one end": _unit("$$a\n\n\\", after="$$"),
    "mathematics of many lines": _unit("a\n", before="$$\n", after="$$\n"),
    "strikethrough, one end": _unit("~~a ", after="b~~"),
    "strikethrough nested": _halves("~~a ", " a~~"),
    "strikethrough of spaces": _unit(" ", before="~~a", after="~~"),
    "line of spaces": _unit(" ", after="a"),
    "line of spaces in words": _unit(" ", before="a", after="b"),
    "line of tabs": _unit("\t", before="*", after="a"),
    "breaks of lines in headings": _unit("  \n", before="# a"),
    "words in a hard wrap": _unit("a\n", before="{::options hard_wrap='true' /}\n\n"),
    "ideographs without breaks": _unit(
        "\u4e00\n", before="{::options remove_line_breaks_for_cjk='true' /}\n\n"
    ),
    "entities as symbols": _unit("&copy; ", before="{::options entity_output='symbolic' /}\n\n"),
    "quotation marks as entities": _unit(
        "'a", before="{::options smart_quotes='39,39,34,34' /}\n\n"
    ),
    "all marks": _unit("*_`<[!\"'$}{&-.>\n\\~^|#:=+"),
    "words of prose": _unit(
        'The *quick* brown [fox](/f) jumps `over` the lazy dog -- it\'s "fine".\n\n'
    ),
}
