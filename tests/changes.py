"""Changes of a blog's post: what it is, where it is, or whether it is there."""

from blogs import Blog


def edited(blog: Blog, name: str) -> None:
    blog.post(name, "Another text.", category=blog.posts[name])


def removed(blog: Blog, name: str) -> None:
    blog.remove(name)


def added(blog: Blog, name: str) -> None:
    blog.add(500, days=180)


def renamed(blog: Blog, name: str) -> None:
    to = f"{name}-again"
    blog.path(name).rename(blog.path(to))
    blog.posts[to] = blog.posts.pop(name)
    blog.path(to).write_text(blog.path(to).read_text().replace(name, to))


def redated(blog: Blog, name: str) -> None:
    blog.remove(name)
    blog.add(60, days=20)  # a post's name has its date


def hidden(blog: Blog, name: str) -> None:
    blog.post(name, "Text.", category=blog.posts.pop(name), published=False)


def categorized(blog: Blog, name: str) -> None:
    blog.posts[name] = "Sports"
    blog.post(name, "Text 60.", category="Sports")
