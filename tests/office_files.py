"""Attachments of all kinds, made in memory: what offices publish, and what breaks who reads it."""

import io
import zipfile
from collections.abc import Mapping
from datetime import date
from typing import Any

import docx
import openpyxl

from tests.replica import files

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


def pdf(label: str = "x") -> bytes:
    return files.make("pdf", label)


def pdf_of(objects: list[bytes]) -> bytes:
    """A PDF of these numbered objects, the first of which is its catalogue."""
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    trailer = b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return out + trailer % (size, table, size, len(out))


def cyclic_pdf() -> bytes:
    """Its page tree and its form object each hold themselves."""
    form = b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /A 4 0 R >> >> /Length 5 >>"
    return pdf_of(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [2 0 R 3 0 R] /Count 2 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 5 0 R"
            b" /Resources << /XObject << /A 4 0 R >> >> >>",
            form + b"\nstream\n/A Do\nendstream",
            b"<< /Length 5 >>\nstream\n/A Do\nendstream",
        ]
    )


def word() -> bytes:
    document = docx.Document()
    document.add_paragraph("第一段。")
    table = document.add_table(2, 2)
    for number, text in enumerate(("单位", "人数", "一处", "3")):
        table.cell(number // 2, number % 2).text = text
    document.add_paragraph("最后一段。")
    return _saved(document)


def workbook() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "名单"
    sheet.append(["姓名", "日期", "次数"])
    sheet.append(["张三", date(2024, 5, 6), 3])
    sheet["E9"] = "远处"
    book.create_sheet("空表")
    return _saved(book)


def _saved(document: Any) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as container:
        for name, content in parts.items():
            container.writestr(name, content)
    return out.getvalue()


OFD_NAMESPACE = "http://www.ofdspec.org/2016"


def ofd(page: str | None = None, root: str = "Doc_0/Document.xml") -> bytes:
    objects = "".join(
        f'<ofd:TextObject Boundary="{x} {y} 80 5"><ofd:TextCode X="0" Y="4">{text}</ofd:TextCode></ofd:TextObject>'
        for x, y, text in ((20, 30, "关于开展"), (60, 30, "主题党日的通知"), (20, 42, "各支部：&amp;"))
    )
    content = (
        f'<ofd:Page xmlns:ofd="{OFD_NAMESPACE}"><ofd:Content><ofd:Layer>{objects}</ofd:Layer></ofd:Content></ofd:Page>'
    )
    return zipped(
        {
            "OFD.xml": f'<ofd:OFD xmlns:ofd="{OFD_NAMESPACE}"><ofd:DocBody>'
            f"<ofd:DocRoot>{root}</ofd:DocRoot></ofd:DocBody></ofd:OFD>",
            "Doc_0/Document.xml": f'<ofd:Document xmlns:ofd="{OFD_NAMESPACE}"><ofd:Pages>'
            '<ofd:Page ID="1" BaseLoc="Pages/Page_0/Content.xml"/></ofd:Pages></ofd:Document>',
            "Doc_0/Pages/Page_0/Content.xml": content if page is None else page,
        }
    )
