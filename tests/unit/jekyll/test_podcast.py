"""The episode in a post's front matter, and the show in `_config.yml`."""

from time import thread_time
from typing import Any

import pytest
from reading import site_and_problems, site_of
from rendering import CONFIG, entry, rendering

from syndicator.jekyll.shows import read_explicit
from syndicator.model.podcast import Episode, Show, Transcript

SOUND = "enclosure: {url: /ep/3.mp3, type: audio/mpeg}\n"
SHOW = f"{CONFIG}podcast: {{category: Technology}}\n"


def episode(front: str, **more: Any) -> Episode | None:
    return entry("Notes.", SOUND + front, **more).episode


def notes(front: str) -> list[str]:
    """Of the front matter, whose first line after the enclosure is the fourth of the file."""
    problems = rendering("Notes.", SOUND + front).problems
    assert all(p.note and p.line == 4 and p.hint for p in problems)
    return [problem.message for problem in problems]


def test_every_key() -> None:
    """Beside the enclosure, or in its mapping."""
    keys = (
        "duration: '01:02:03'\nexplicit: false\nepisode: 3\nseason: '2'\nepisode_type: Bonus\n"
        "image: /ep.png\nchapters: /ep/3.json\n"
        "transcript: [/ep/3.vtt, {url: 3.html, type: text/html, language: de_AT}]\n"
    )
    expected = Episode(
        seconds=3723,
        explicit=False,
        number=3,
        season=2,
        kind="bonus",
        image="https://e.com/b/ep.png",
        transcripts=(
            Transcript("https://e.com/b/ep/3.vtt", "text/vtt", None),
            Transcript("https://e.com/b/3.html", "text/html", "de-AT"),
        ),
        chapters="https://e.com/b/ep/3.json",
    )
    assert episode(keys) == expected
    inside = "".join(f"  {line}\n" for line in keys.splitlines())
    assert entry("Notes.", f"podcast:\n  url: /ep/3.mp3\n{inside}").episode == expected


def test_the_enclosures_own_keys_win() -> None:
    """An image of the episode over the post's, which need not be square."""
    front = "podcast: {url: /ep/3.mp3, duration: 5, image: /own.jpg}\nduration: 9\nimage: /i.png\n"
    made = entry("Notes.", front).episode
    assert made == Episode(seconds=5, image="https://e.com/b/own.jpg")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3723", 3723),
        ("62:03", 3723),
        ("1:02:03", 3723),
        ("'1:02:03'", 3723),
        ("00:12:34.500", 754),
        ("12.7", 12),
        ("45 minutes", None),
        ("1:2:3:4", None),
        ("0", None),
        ("-5", None),
        ("true", None),
        ("[1]", None),
        ("99999999999", None),
        (".nan", None),
        (".inf", None),
    ],
)
def test_duration(value: str, seconds: int | None) -> None:
    """Seconds or a clock's time, also where YAML makes a number of it; else there is a note."""
    made = episode(f"duration: {value}\n")
    assert made is not None
    assert made.seconds == seconds
    assert len(notes(f"duration: {value}\n")) == (seconds is None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((yes, True) for yes in (True, "yes", "True", "explicit")),
        *((no, False) for no in (False, "no", "clean", "false")),
        *((unknown, None) for unknown in (None, "", "perhaps", 1, [True])),
    ],
)
def test_explicit(value: Any, expected: bool | None) -> None:
    """As YAML has it, and as Apple wrote it before."""
    assert read_explicit(value) is expected


@pytest.mark.parametrize(
    ("front", "message"),
    [
        ("explicit: perhaps", 'explicit of the episode can\'t be used: "perhaps"'),
        ("episode: 0", "episode of the episode can't be used: 0"),
        ("episode: 3.5", "episode of the episode can't be used: 3.5"),
        ("season: one", 'season of the episode can\'t be used: "one"'),
        ("episode_type: extra", 'episode_type of the episode can\'t be used: "extra"'),
        ("transcript: Hello and welcome", None),
        ("transcript: /ep/3.pdf", None),
        ("chapters: ['00:00 Intro', '01:00 End']", None),
        ("chapters: 'javascript://x/%0aalert(1)'", None),
        ("chapters: /c.txt", 'chapters of the episode can\'t be used: "/c.txt"'),
        ("chapters: {url: /c.json, type: text/plain}", None),
        ("image: /i.webp", 'image of the episode can\'t be used: "/i.webp"'),
    ],
)
def test_a_value_that_cannot_be_used_is_a_note(front: str, message: str | None) -> None:
    """One for each key; the episode stays, with its other values."""
    made = episode(f"{front}\nduration: 5\n")
    assert made == Episode(seconds=5)
    (note,) = notes(f"{front}\nduration: 5\n")
    assert message in (None, note)


@pytest.mark.parametrize(
    "value", ["/c.json", "/c", "/v1.2", "{url: /c.txt, type: application/json}"]
)
def test_chapters_by_another_name(value: str) -> None:
    """What has no other suffix may be JSON, and its type wins."""
    made = episode(f"chapters: {value}\n")
    assert made is not None
    assert made.chapters
    assert notes(f"chapters: {value}\n") == []


@pytest.mark.parametrize(
    ("front", "line"),
    [
        ("podcast:\n  url: /ep/3.mp3\n  chapters: /c.txt\n", 5),
        ("podcast: {url: /ep/3.mp3, chapters: /c.txt}\n", 3),
        ("lang: en\ntranscripts: [/a.pdf]\nenclosure: /a.mp3\n", 4),
    ],
)
def test_a_note_has_the_line_of_its_value(front: str, line: int) -> None:
    """In the front matter: of the key, else of the mapping that has it."""
    (note,) = rendering("Notes.", front).problems
    assert (note.note, note.line) == (True, line)


def test_a_note_on_a_default_of_the_site_has_no_line() -> None:
    """The post does not have the value."""
    defaults = "defaults: [{scope: {path: ''}, values: {season: one}}]\n"
    (note,) = rendering("Notes.", SOUND, config=CONFIG + defaults).problems
    assert (note.message, note.line) == ('season of the episode can\'t be used: "one"', None)


def test_one_bad_transcript_leaves_the_others() -> None:
    """With one note for all of them."""
    front = "transcripts: [/a.vtt, /b.pdf, /c.pdf]\n"
    made = episode(front)
    assert made is not None
    assert made.transcripts == (Transcript("https://e.com/b/a.vtt", "text/vtt", None),)
    assert len(notes(front)) == 1


def test_too_many_transcripts() -> None:
    """The first of them are in the feed, with a note."""
    front = f"transcript: [{', '.join(f'/{number}.vtt' for number in range(21))}]\n"
    made = episode(front)
    assert made is not None
    assert len(made.transcripts) == 20
    assert len(notes(front)) == 1


@pytest.mark.parametrize("image", ["/i.webp", "/i", "javascript:x"])
def test_an_image_that_apple_does_not_have(image: str) -> None:
    """Is not the episode's: the show's is shown instead."""
    assert episode(f"image: '{image}'\nduration: 5\n") == Episode(seconds=5)


def test_only_posts_of_a_podcast_are_episodes() -> None:
    """A post with audio or video, if it or the config says anything of a podcast."""
    assert entry("Notes.", "duration: 5\nepisode: 3\nchapters: [x]\n").episode is None
    assert rendering("Notes.", "duration: soon\n").problems == ()
    assert episode("") is None
    assert episode("", config=SHOW) == Episode()
    assert entry("Notes.", config=SHOW).episode is None


def test_every_key_of_a_show() -> None:
    """`podcast` in `_config.yml`."""
    config = (
        f"{CONFIG}podcast: {{author: The Crew, email: crew@e.com, image: /c.jpg, explicit: no,\n"
        "  type: Serial, category: [Technology, {Arts: [Books, Food], TV & Film: Film History}]}\n"
    )
    site, problems = site_and_problems(config)
    assert problems == ()
    assert site.info.show == Show(
        author="The Crew",
        email="crew@e.com",
        image="https://e.com/b/c.jpg",
        explicit=False,
        categories=(
            ("Technology", None),
            ("Arts", "Books"),
            ("Arts", "Food"),
            ("TV & Film", "Film History"),
        ),
        kind="serial",
    )


@pytest.mark.parametrize("value", ["", "true", "/feed.xml", "[a]", "{}", "{feed: /podcast.xml}"])
def test_another_podcast_in_the_config(value: str) -> None:
    """A theme's own key says nothing of a show."""
    site, problems = site_and_problems(f"{CONFIG}podcast: {value}\n")
    assert (site.info.show, problems) == (None, ())


@pytest.mark.parametrize(
    "value",
    [
        "{email: crew}",
        "{explicit: perhaps}",
        "{type: weekly}",
        "{category: ['A\"]']}",
        "{category: {Arts: '<b>'}}",
        "{image: [x]}",
        "{author: {2020-01-01: Ann}}",
        "{category: {Arts: {2020-01-01: [null]}}}",
        "{author: {name: Ann}}",
        "{category: {Arts: [[Books]]}}",
    ],
)
def test_a_show_that_cannot_be_used_is_a_problem(value: str) -> None:
    """At the line of the key."""
    site, (problem,) = site_and_problems(f"{CONFIG}podcast: {value}\n")
    assert site.info.show is None
    assert problem.line == CONFIG.count("\n") + 1
    assert problem.message.startswith("podcast.")
    assert problem.hint
    assert not problem.note


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{category: Nonsense}", 'podcast.category is not one of Apple\'s: "Nonsense"'),
        (
            "{category: [Arts, {Arts: Cars}, x]}",
            'podcast.category is not one of Apple\'s: "Arts: Cars", nor are 1 more',
        ),
        (
            "{image: '/c.gif?a=b.png'}",
            'podcast.image is not a JPEG or PNG: "https://e.com/b/c.gif?a=b.png"',
        ),
        ("{image: /c.webp}", 'podcast.image is not a JPEG or PNG: "https://e.com/b/c.webp"'),
    ],
)
def test_what_directories_do_not_know_is_a_note(value: str, message: str) -> None:
    """The feed has it: others than Apple may know it."""
    site, (note,) = site_and_problems(f"{CONFIG}podcast: {value}\n")
    assert site.info.show is not None
    assert (note.message, note.note, bool(note.hint)) == (message, True, True)


@pytest.mark.parametrize(
    "image",
    ["/c.jpg", "/c.JPEG", "/c.png?v=1", "/c", "https://x.org/v1.2", "https://x.org", "https://["],
)
def test_pictures_that_directories_may_show(image: str) -> None:
    """A name without a suffix says nothing."""
    assert site_and_problems(f"{CONFIG}podcast: {{image: '{image}'}}\n")[1] == ()


def test_categories_are_limited() -> None:
    """feedgen looks for each among those before it."""
    names = ", ".join(f"c{number}" for number in range(20_000))
    for value in (f"[{names}]", f"{{Arts: [{names}]}}"):
        site, (problem, _) = site_and_problems(
            f"{CONFIG}podcast: {{type: serial, category: {value}}}\n"
        )
        assert site.info.show is not None
        assert len(site.info.show.categories) == 20
        assert problem.message.startswith("podcast.category")


@pytest.mark.parametrize("value", ["{2020-01-01: x}", "[{1: {null: x}}]", "[[{2020-01-01: x}]]"])
def test_a_mapping_with_any_keys(value: str) -> None:
    """YAML's keys may be dates and null."""
    (note,) = notes(f"duration: {value}\n")
    assert note.startswith("duration of the episode can't be used: ")


def test_hostile_values_take_linear_time() -> None:
    """As large as a head may be, for each key."""
    begun = thread_time()
    for key in ("duration", "episode", "transcript", "chapters", "episode_type", "explicit"):
        for value in ("1:" * 9_000, "9" * 20_000, " " * 20_000, "[" + "/a.vtt," * 900 + "]"):
            quoted = value if value.startswith("[") else f"'{value}'"
            made = episode(f"{key}: {quoted}\nseason: 1\n")
            assert made is not None
            assert len(made.transcripts) <= 20
    assert thread_time() - begun < 5


def test_a_site_has_no_show_by_default() -> None:
    assert site_of().info.show is None
