"""Which posts are rendered after the others."""

import pytest

from syndicator.jekyll.render_cost import MAX_LIGHT, is_heavy


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Text with a {brace} and a % sign.",
        "{% highlight ruby %}puts 1{% endhighlight %}",
        "{% raw %}text{% endraw %} {%- comment -%}x{%- endcomment -%}",
        "[a]({% post_url 2026-01-01-a %}) [b]({% link b.md %})",
        "![]({{ site.baseurl }}/a.png) {{ site.url }}{{ page.url | relative_url }}",
        "x" * MAX_LIGHT,
    ],
)
def test_light(text: str) -> None:
    """Prose, and Liquid whose output is at most a line."""
    assert not is_heavy(text)


@pytest.mark.parametrize(
    "text",
    [
        "x" * (MAX_LIGHT + 1),
        "{% for post in site.posts %}{{ post.title }}{% endfor %}",
        "{% include figure.html %}",
        "{% assign s = s | append: s %}{{ s }}",
        "{{ page.long }}",
        "{{ site.data.all }}",
        "{% highlight ruby %}{{ page.long }}{% endhighlight %}",
        "{{ site.url | append: page.long }}",
        "{% unknown",
    ],
)
def test_heavy(text: str) -> None:
    """Long text, and Liquid whose output the text does not limit."""
    assert is_heavy(text)
