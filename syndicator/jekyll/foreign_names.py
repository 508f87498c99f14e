"""Lets text survive that stands behind the name of an SVG or MathML element in plain HTML.

In `vector<int> v;` or `cp <path> here`, a browser ignores the unknown tag and shows the rest. nh3
removes an element of HTML with such a name and all that it contains: the rest of the paragraph.
https://github.com/rust-ammonia/ammonia/blob/master/src/lib.rs (is_html_tag)
"""

import re

#: The names in lower case: the parser finds no other in HTML.
_SVG = """
    animate circle defs desc discard ellipse filter g line marker mask metadata mpath path pattern
    polygon polyline rect set stop switch symbol text tspan use view
"""
_MATHML = """
    abs and annotation annotation-xml apply approx arccos arccosh arccot arccoth arccsc arccsch
    arcsec arcsech arcsin arcsinh arctan arctanh arg bind bvar card cartesianproduct cbytes ceiling
    cerror ci cn codomain complexes compose condition conjugate cos cosh cot coth cs csc csch
    csymbol curl declare degree determinant diff divergence divide domain domainofapplication
    emptyset eq equivalent eulergamma exists exp exponentiale factorial factorof false floor fn
    forall gcd geq grad gt ident imaginary imaginaryi implies in infinity int integers intersect
    interval inverse lambda laplacian lcm leq limit list ln log logbase lowlimit lt maction
    maligngroup malignmark matrix matrixrow max mean median menclose merror mfenced mfrac mglyph mi
    min minus mlabeledtr mlongdiv mmultiscripts mn mo mode moment momentabout mover mpadded mphantom
    mprescripts mroot mrow ms mscarries mscarry msgroup msline mspace msqrt msrow mstack mstyle msub
    msubsup msup mtable mtd mtext mtr munder munderover naturalnumbers neq none not notanumber notin
    notprsubset notsubset or otherwise outerproduct partialdiff pi piece piecewise plus power primes
    product prsubset quotient rationals real reals reln rem root scalarproduct sdev sec sech
    selector semantics sep setdiff share sin sinh subset sum tan tanh tendsto times transpose true
    union uplimit variance vector vectorproduct xor
"""
NAMES = frozenset((_SVG + _MATHML).split())

#: Ends a name, so that it is an unknown one. It is removed again as a character that XML forbids.
MARK = "\x03"

_TAG_NAME = re.compile(r"<(/?)([a-z][a-z-]*)(?=[\s/>])", re.IGNORECASE)


def with_foreign_names_marked(html: str) -> str:
    """The HTML with MARK behind such names, except within <svg> and <math>."""
    names = {name.lower() for _, name in set(_TAG_NAME.findall(html))}
    return html if NAMES.isdisjoint(names) else _marked(html)


def _marked(html: str) -> str:
    depth = 0  # of open <svg> and <math>

    def marked(tag: re.Match[str]) -> str:
        nonlocal depth
        name = tag[2].lower()
        if name in ("svg", "math"):
            depth = max(depth - 1, 0) if tag[1] else depth + 1
            return tag[0]
        return f"{tag[0]}{MARK}" if name in NAMES and not depth else tag[0]

    return _TAG_NAME.sub(marked, html)
