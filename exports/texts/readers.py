"""From a file to its text, by well-kept libraries. Runs in the worker's child only: every file may be hostile."""

import contextlib
import datetime
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from exports.texts import limits
from exports.texts.limits import Unreadable

_NO_READER = {
    "doc": "doc (Word 97–2003): there is no reader for this format",
    "ppt": "ppt (PowerPoint 97–2003): there is no reader for this format",
    "pptx": "pptx (PowerPoint): there is no reader for this format",
    "rtf": "rtf: there is no reader for this format",
    "zip": "a zip archive: what is packed in it is not read",
    "rar": "a rar archive: what is packed in it is not read",
    "7z": "a 7z archive: what is packed in it is not read",
    "gzip": "a gzip file: what is packed in it is not read",
    "ole": "an OLE container of no known kind",
    "picture": "a picture",
    "unknown": "not a format we know",
}
LIBRARIES = {
    "pdf": ("pdfminer.high_level",),
    "docx": ("docx",),
    "xlsx": ("openpyxl",),
    "xls": ("xlrd",),
    "ofd": ("lxml.etree",),
    "html": ("lxml.html",),
}
"""What each kind needs: the worker loads it once, before the children start."""


def read(path: Path, kind: str) -> str:
    """The text of the file: paragraphs and table rows as lines, cells parted by tabs.

    Raises Unreadable where it has none, and whatever the libraries raise on damaged files.
    """
    if kind in _NO_READER:
        raise Unreadable(_NO_READER[kind])
    lines = _READERS[kind](path)
    text = "\n".join(filter(None, map(_cleaned, _limited(lines))))
    if not text:
        raise Unreadable(
            f"{kind}: no text in it (scanned pages have none)" if kind == "pdf" else f"{kind}: no text in it"
        )
    return text


def _cleaned(line: str) -> str:
    """Without what databases and terminals do not take, and without blanks at the ends."""
    kept = "".join(
        c for c in line if c == "\t" or (c >= " " and not 0x7F <= ord(c) < 0xA0 and not 0xD800 <= ord(c) < 0xE000)
    )
    return kept.strip(" \u3000").rstrip()


def _limited(lines: Iterable[str]) -> Iterator[str]:
    size = 0
    for line in lines:
        yield from line.splitlines()
        size += len(line)
        if size > limits.TEXT:
            return  # the worker cuts and says so


def _pdf(path: Path) -> Iterator[str]:
    high_level: Any = import_module("pdfminer.high_level")
    layout: Any = import_module("pdfminer.layout")
    exceptions: Any = import_module("pdfminer.pdfexceptions")
    try:
        for page in high_level.extract_pages(str(path), laparams=layout.LAParams()):
            for element in page:
                if isinstance(element, layout.LTTextContainer):
                    text = element.get_text()
                    if text.count("(cid:") * 8 > len(text):
                        raise Unreadable("pdf: its fonts do not say which characters they show")
                    yield text
    except exceptions.PDFException as error:
        if "ncrypt" in type(error).__name__ or "Password" in type(error).__name__:
            raise Unreadable("pdf: encrypted") from None
        raise


def _docx(path: Path) -> Iterator[str]:
    document: Any = import_module("docx").Document(str(path))
    for part in document.iter_inner_content():
        if hasattr(part, "rows"):
            for row in part.rows:
                cells = {id(cell._tc): cell.text for cell in row.cells}  # merged cells come once for each column
                yield "\t".join(" ".join(text.split()) for text in cells.values())
        else:
            yield part.text


def _xlsx(path: Path) -> Iterator[str]:
    with path.open("rb") as file:  # openpyxl refuses a path by its ending, whatever the file is
        book: Any = import_module("openpyxl").load_workbook(file, read_only=True, data_only=True, keep_links=False)
        read_cells = 0
        for sheet in book.worksheets:
            if len(book.worksheets) > 1:
                yield sheet.title
            sheet.reset_dimensions()  # what the file says of its size may be a lie
            for row in sheet.iter_rows(values_only=True):
                read_cells += len(row)
                if read_cells > limits.CELLS:
                    return
                yield _row(row)


def _xls(path: Path) -> Iterator[str]:
    xlrd: Any = import_module("xlrd")
    with Path("/dev/null").open("w") as nowhere:
        book = xlrd.open_workbook(str(path), on_demand=True, logfile=nowhere)
    for sheet in book.sheets():
        if book.nsheets > 1:
            yield sheet.name
        for number in range(min(sheet.nrows, limits.CELLS // max(sheet.ncols, 1))):
            yield _row(_xls_value(xlrd, book, cell) for cell in sheet.row(number))


def _xls_value(xlrd: Any, book: Any, cell: Any) -> object:
    if cell.ctype == xlrd.XL_CELL_DATE:
        with contextlib.suppress(xlrd.xldate.XLDateError):
            return xlrd.xldate.xldate_as_datetime(cell.value, book.datemode)
    return "" if cell.ctype in (xlrd.XL_CELL_ERROR, xlrd.XL_CELL_EMPTY) else cell.value


def _row(values: Iterable[object]) -> str:
    return "\t".join(map(_shown, values)).rstrip("\t")


def _shown(value: object) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return "" if value is None else " ".join(str(value).split())


def _html(path: Path) -> Iterator[str]:
    lxml_html: Any = import_module("lxml.html")
    root = lxml_html.document_fromstring(_decoded(path))
    for node in [*root.iter("script", "style", "head", "noscript")]:
        node.drop_tree()
    for node in root.iter("p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "table"):
        node.tail = "\n" + (node.tail or "")
        node.text = ("" if node.tag == "br" else "\n") + (node.text or "")
    for node in root.iter("td", "th"):
        node.tail = "\t" + (node.tail or "").strip()
    yield from root.text_content().splitlines()


def _txt(path: Path) -> Iterator[str]:
    yield from _decoded(path).splitlines()


def _decoded(path: Path) -> str:
    content = path.read_bytes()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    for encoding in ("utf-8-sig", "gb18030"):
        with contextlib.suppress(UnicodeDecodeError):
            return content.decode(encoding)
    return content.decode("gb18030", "replace")


def _ofd(path: Path) -> Iterator[str]:
    yield from import_module("exports.texts.ofd").lines(path)


_READERS: dict[str, Callable[[Path], Iterator[str]]] = {
    "pdf": _pdf,
    "docx": _docx,
    "xlsx": _xlsx,
    "xls": _xls,
    "html": _html,
    "txt": _txt,
    "ofd": _ofd,
}
