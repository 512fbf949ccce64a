"""Pictures and documents made in code: tiny, valid, and different for every name."""

import struct
import zipfile
import zlib
from io import BytesIO
from xml.sax.saxutils import escape

MEDIA_TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "gif": "image/gif",
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "css": "text/css",
    "js": "application/javascript",
}


def make(extension: str, label: str) -> bytes:
    """A file of the kind ``extension`` (a key of MEDIA_TYPES) whose content depends on ``label``."""
    return _MAKERS[extension](label)


def _png(label: str) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    colour = zlib.crc32(label.encode()).to_bytes(4, "big")[:3]
    header = struct.pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0)  # 2 x 2, 8 bits, RGB
    rows = (b"\0" + colour * 2) * 2
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def _jpeg(label: str) -> bytes:
    def segment(marker: int, data: bytes) -> bytes:
        return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data

    one_code = b"\x01" + b"\0" * 15 + b"\0"  # a Huffman table with the single code "0" for the symbol 0
    return b"".join(
        (
            b"\xff\xd8",
            segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
            segment(0xFE, label.encode()),  # a comment: makes the file differ from others
            segment(0xDB, b"\0" + b"\x01" * 64),
            segment(0xC0, b"\x08\0\x08\0\x08\x01\x01\x11\0"),  # 8 x 8, one component
            segment(0xC4, b"\x00" + one_code),
            segment(0xC4, b"\x10" + one_code),
            segment(0xDA, b"\x01\x01\0\0\x3f\0"),
            b"\x3f\xff\xd9",  # "00" (grey, end of block) padded with ones
        )
    )


def _gif(label: str) -> bytes:
    colour = zlib.crc32(label.encode()).to_bytes(4, "big")[:3]
    return b"GIF89a\x01\0\x01\0\x80\0\0" + colour + b"\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"


def _pdf(label: str) -> bytes:
    text = f"BT /F1 12 Tf 20 100 Td (Annex {zlib.crc32(label.encode())}) Tj ET".encode()
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    return out + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (size, table, size, len(out))
    )


def _docx(label: str) -> bytes:
    package = "http://schemas.openxmlformats.org/package/2006"
    document = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{main}"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="rId1" Type="{document}" Target="word/document.xml"/></Relationships>',
        "word/document.xml": f'<w:document xmlns:w="{word}"><w:body><w:p><w:r>'
        f"<w:t>附件正文：{escape(label)}</w:t></w:r></w:p></w:body></w:document>",
    }
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, xml in parts.items():
            # A fixed time: the same label must give the same bytes on every day.
            info = zipfile.ZipInfo(name, date_time=(2020, 1, 1, 0, 0, 0))
            archive.writestr(info, f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>{xml}')
    return out.getvalue()


def _xls(label: str) -> bytes:
    """A worksheet of the oldest Excel format (BIFF2), which is a plain list of records."""

    def record(kind: int, data: bytes) -> bytes:
        return struct.pack("<HH", kind, len(data)) + data

    cell = str(zlib.crc32(label.encode())).encode()
    label_record = struct.pack("<HH3sB", 0, 0, b"\0\0\0", len(cell)) + cell
    return record(0x09, struct.pack("<HH", 2, 0x10)) + record(0x04, label_record) + record(0x0A, b"")


def _comment(label: str) -> bytes:
    return f"/* {label} */\n".encode()


_MAKERS = {
    "png": _png,
    "jpg": _jpeg,
    "gif": _gif,
    "pdf": _pdf,
    "docx": _docx,
    "xls": _xls,
    "css": _comment,
    "js": _comment,
}
