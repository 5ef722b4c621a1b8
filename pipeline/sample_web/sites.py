"""The hosts of the made-up web, each with its own template around the content."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from random import Random

from pipeline.sample_web.grammar import load_words
from pipeline.sample_web.parts import Shot
from pipeline.sample_web.pictures import paint_pixel, paint_sign
from pipeline.sample_web.writer import PageWriter

ADS = "https://ads.banner-farm.example"
STATISTICS = "https://stats.count-me.example"


@dataclass(frozen=True, slots=True)
class Site:
    """One host: how its pages look.

    Attributes:
        origin: scheme and host.
        name: as the header has it.
        template: a name of `_TEMPLATES`.
        folder: of its pages; {n} is a number.
        colour: of its logo.
    """

    origin: str
    name: str
    template: str
    folder: str
    colour: str


SITES: dict[str, Site] = {
    "notes": Site(
        "https://www.atelier-notes.example", "Atelier Notes", "modern", "/stories/2019/", "blue"
    ),
    "daily": Site(
        "https://handcraft-daily.example", "Handcraft Daily", "soup", "/news/{n}/", "red"
    ),
    "museum": Site(
        "http://old.shapes-museum.example", "Museum of Shapes", "tables", "/rooms/", "brown"
    ),
    "shop": Site("https://shop.paperfish.example", "Paperfish", "soup", "/p/", "turquoise"),
    "blog": Site(
        "https://blog.quiet-colours.example", "Quiet Colours", "blog", "/2021/05/", "purple"
    ),
    "tinted": Site(
        "https://tinted-world.example", "Tinted World", "modern", "/albums/a{n}/", "green"
    ),
    "guides": Site(
        "https://guides.make-and-do.example", "Make and Do", "blog", "/how-to/", "orange"
    ),
    "mirror": Site(
        "http://mirror.copy-corner.example", "Copy Corner", "soup", "/mirror/{n}/", "grey"
    ),
    "cards": Site("https://one-by-one.example", "One by One", "bare", "/cards/{n}/", "pink"),
    "deals": Site(
        "http://best-cheap-deals.example", "Best Cheap Deals", "tables", "/offers/", "yellow"
    ),
}
"""The hosts by the name that this package calls them."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a template needs beside the content."""

    site: Site
    writer: PageWriter
    title: str
    charset: str
    thumbs: tuple[Shot, ...]
    rng: Random


def dress(frame: Frame) -> str:
    """The whole page: the content in its site's template."""
    return _TEMPLATES[frame.site.template](frame)


def advert(writer: PageWriter, rng: Random, width: int, height: int) -> str:
    """The HTML of a linked banner; the same few banners stand on all hosts."""
    words = load_words("chrome")["adverts"]
    number = rng.randrange(len(words))
    colour = ("yellow", "red", "green", "pink", "blue", "orange")[number]
    file = paint_sign(words[number], colour, width, height, "png")
    shot = Shot(file, f"ad{number}-{width}x{height}", alt="Advertisement", purpose="advert")
    url = _publish(writer, shot, f"/{shot.name}.png", ADS)
    return (
        f'<a href="{ADS}/click/{number}" rel="sponsored"><img src="{url}" alt="Advertisement"></a>'
    )


def _publish(writer: PageWriter, shot: Shot, path: str, site: str = "") -> str:
    """Publishes an image that is no content; its idiom is "chrome"."""
    before, writer.idiom = writer.idiom, "chrome"
    url = writer.publish(shot, path, site)
    writer.idiom = before
    return url


def _logo(frame: Frame) -> str:
    site = frame.site
    file = paint_sign(site.name, site.colour, 220, 60, "png")
    url = _publish(
        frame.writer, Shot(file, "logo", alt=site.name, purpose="logo"), "/static/logo.png"
    )
    return (
        f'<a href="{site.origin}/"><img src="{url}" alt="{site.name}" width="220" height="60"></a>'
    )


def _icon(frame: Frame, name: str, colour: str, side: int = 24) -> str:
    file = paint_sign(name[0].upper(), colour, side, side, "png")
    shot = Shot(file, name, alt=name, purpose="icon")
    url = _publish(frame.writer, shot, f"/static/icon-{name}.png")
    return f'<img src="{url}" alt="{name}" width="{side}" height="{side}">'


def _share(frame: Frame) -> str:
    names = load_words("chrome")["share"]
    links = [f'<a href="https://{n}.example/share">{_icon(frame, n, "grey")}</a>' for n in names]
    return f'<div class="share-buttons">Share this: {" ".join(links)}</div>'


def _pixel(frame: Frame) -> str:
    shot = Shot(paint_pixel(), "pixel", purpose="pixel")
    url = _publish(frame.writer, shot, f"/p.gif?page={frame.rng.getrandbits(32):08x}", STATISTICS)
    return f'<img src="{escape(url)}" width="1" height="1" alt="">'


def _nav(frame: Frame, tag: str = "ul") -> str:
    words = frame.rng.sample(load_words("chrome")["nav"], 6)
    links = [f'<a href="{frame.site.origin}/{w.lower().replace(" ", "-")}">{w}</a>' for w in words]
    if tag == "ul":
        return "<ul>" + "".join(f"<li>{link}</li>" for link in links) + "</ul>"
    return "<br>\n".join(links)


def _thumb(frame: Frame, shot: Shot) -> str:
    url = _publish(frame.writer, shot, f"/static/{shot.name}.jpg")
    return f'<a href="/{shot.name}"><img src="{url}" alt="" width="120" height="90"> {shot.alt}</a>'


def _related(frame: Frame) -> str:
    title = frame.rng.choice(load_words("chrome")["related"])
    items = "".join(f"<li>{_thumb(frame, shot)}</li>" for shot in frame.thumbs)
    return f"<h3>{title}</h3>\n<ul>{items}</ul>"


def _comments(frame: Frame) -> str:
    words = load_words("chrome")
    said = frame.rng.sample(words["comments"], frame.rng.randint(1, 4))
    items = []
    for text in said:
        avatar = _icon(frame, f"user{frame.rng.randrange(4)}", "purple", 48)
        user = frame.rng.choice(words["users"])
        items.append(f'<li class="comment">{avatar} <b>{user}</b> <p>{text}</p></li>')
    return f"<h3>{len(said)} comments</h3><ol>{''.join(items)}</ol>"


def _word(frame: Frame, name: str) -> str:
    return str(frame.rng.choice(load_words("chrome")[name]))


def _footer(frame: Frame) -> str:
    words = load_words("chrome")["footer"]
    links = " | ".join(f'<a href="/{i}">{word}</a>' for i, word in enumerate(words[1:]))
    return f"&copy; {frame.site.name}. {words[0]} {links}"


def _head(frame: Frame, style: str, doctype: str = "<!DOCTYPE html>") -> str:
    meta = f'<meta charset="{frame.charset}">\n' if frame.charset else ""
    base = f'<base href="{frame.writer.base}">\n' if frame.writer.base else ""
    title = f"<title>{escape(frame.title)} - {frame.site.name}</title>"
    return (
        f'{doctype}\n<html lang="en">\n<head>\n{meta}{base}{title}\n<style>{style}</style>\n</head>'
    )


def _modern(frame: Frame) -> str:
    """Header, main, article, aside and footer, as HTML 5 means them."""
    style = "body{font:17px/1.6 Georgia,serif;max-width:60rem;margin:auto} aside{float:right}"
    date = f"{frame.rng.randint(1, 28)} May 2019"
    return f"""{_head(frame, style)}
<body>
<header>{_logo(frame)}<nav>{_nav(frame)}</nav></header>
<main>
<article>
{frame.writer.html()}
</article>
<p class="byline">Published {date}</p>
{_share(frame)}
</main>
<aside>{advert(frame.writer, frame.rng, 300, 250)}{_related(frame)}</aside>
<section id="comments">{_comments(frame)}</section>
<footer><p>{_footer(frame)}</p></footer>
<div class="cookie-banner" role="dialog">
<p>{_word(frame, "cookie")}</p><button>Accept</button></div>
{_pixel(frame)}
</body>
</html>
"""


def _soup(frame: Frame) -> str:
    """Nothing but div elements with telling class names."""
    style = ".wrap{width:980px;margin:auto;font:15px/1.5 Arial} .sidebar{float:right;width:300px}"
    return f"""{_head(frame, style)}
<body class="page">
<div id="top" class="site-header">{_logo(frame)}<div class="main-nav nav">{_nav(frame)}</div></div>
<div class="ad ad-leaderboard">{advert(frame.writer, frame.rng, 728, 90)}</div>
<div class="wrap">
<div class="breadcrumbs"><a href="/">Home</a> &gt; <a href="/all">All</a></div>
<div class="sidebar">
<div class="widget newsletter"><p>{_word(frame, "newsletter")}</p></div>
<div class="widget related">{_related(frame)}</div>
</div>
<div class="main-content">
<div class="post-body">
{frame.writer.html()}
</div>
</div>
{_share(frame)}
<div class="comments">{_comments(frame)}</div>
</div>
<div class="footer">{_footer(frame)}</div>
<div class="cookie-notice">{_word(frame, "cookie")}</div>
{_pixel(frame)}
<script>window.dataLayer = [{{"page": "x"}}]; var q = "<p>no text</p>";</script>
</body>
</html>
"""


def _tables(frame: Frame) -> str:
    """A table for the layout and no classes, as in 1999."""
    doctype = '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN">'
    return f"""{_head(frame, "td { font-family: Times }", doctype)}
<BODY BGCOLOR="#FFFFFF">
<TABLE WIDTH="100%" BORDER=0 CELLPADDING=6>
<TR><TD COLSPAN=2 BGCOLOR="#CCCCEE">{_logo(frame)}
{advert(frame.writer, frame.rng, 468, 60)}</TD></TR>
<TR VALIGN=top>
<TD WIDTH=140 BGCOLOR="#EEEEEE"><FONT SIZE=2>{_nav(frame, "br")}</FONT></TD>
<TD>
{frame.writer.html()}
</TD></TR>
<TR><TD COLSPAN=2 ALIGN=center><FONT SIZE=1>{_footer(frame)}</FONT></TD></TR>
</TABLE>
{_pixel(frame)}
</BODY>
</HTML>
"""


def _blog(frame: Frame) -> str:
    """A weblog's template with widgets."""
    style = ".entry-content{max-width:640px;font:18px/1.7 serif} .widget-area{width:260px}"
    popular = f"<h2>{_word(frame, 'popular')}</h2>{_related(frame)}"
    return f"""{_head(frame, style)}
<body class="single single-post">
<div id="page" class="hfeed site">
<header id="masthead" class="site-header">{_logo(frame)}
<nav id="site-navigation" class="main-navigation" role="navigation">{_nav(frame)}</nav></header>
<div id="content" class="site-content">
<div id="primary" class="content-area">
<article id="post-{frame.rng.randrange(9999)}" class="post hentry">
<div class="entry-content">
{frame.writer.html()}
</div>
<div class="sharedaddy">{_share(frame)}</div>
<footer class="entry-meta">Posted by admin in <a href="/c">Uncategorised</a></footer>
</article>
<div id="comments" class="comments-area">{_comments(frame)}</div>
</div>
<div id="secondary" class="widget-area" role="complementary">{popular}
<div class="widget">{advert(frame.writer, frame.rng, 300, 250)}</div></div>
</div>
<footer id="colophon" class="site-footer">{_footer(frame)}</footer>
</div>
{_pixel(frame)}
</body>
</html>
"""


def _bare(frame: Frame) -> str:
    """A logo, the content and a footer: for pages with few words of their own."""
    return f"""{_head(frame, "main{max-width:40rem;margin:auto}")}
<body>
<header>{_logo(frame)}</header>
<main>
{frame.writer.html()}
</main>
<footer><p>{_footer(frame)}</p></footer>
</body>
</html>
"""


_TEMPLATES: dict[str, Callable[[Frame], str]] = {
    "modern": _modern,
    "soup": _soup,
    "tables": _tables,
    "blog": _blog,
    "bare": _bare,
}
