"""Writes small workbooks, in the parts of their formats that spreadsheet programs write as well."""

import datetime as dt
import io
import zipfile
from collections.abc import Collection, Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

Rows = Sequence[Sequence[object]]


class Written(str):
    """A cell as it is in the file, with its place as `{place}`."""

    __slots__ = ()


MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
TYPES = """<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="xml" ContentType="application/xml"/></Types>"""
STYLES = f"""<styleSheet xmlns="{MAIN}"><cellXfs count="3">
<xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/></cellXfs></styleSheet>"""
DAY_0 = dt.datetime(1899, 12, 30)
ODS = "application/vnd.oasis.opendocument.spreadsheet"
ODS_NAMES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for name in ("office", "table", "text", "manifest", "style")
)
ODS_NAMES += ' xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'


def xlsx(
    *, merged: str = "", hidden: Collection[int] = (), states: Sequence[str] = (), **sheets: Rows
) -> bytes:
    """A workbook of Excel.

    Args:
        merged: a range of merged cells in each sheet.
        hidden: the rows of each sheet that are hidden.
        states: which sheets are `visible`, `hidden` or `veryHidden`; the others are visible.
        sheets: the rows of each sheet.
    """
    state = dict(enumerate(states))
    relations = "".join(
        f'<Relationship Id="r{n}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n, _ in enumerate(sheets)
    )
    relations += f'<Relationship Id="styles" Type="{OFFICE}/styles" Target="styles.xml"/>'
    names = "".join(
        f'<sheet name="{name}" sheetId="{n + 1}" r:id="r{n}" state="{state.get(n, "visible")}"/>'
        for n, name in enumerate(sheets)
    )
    workbook = f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{names}</sheets></workbook>'
    members = {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}"><Relationship Id="workbook" '
        f'Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": workbook,
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}">{relations}'
        "</Relationships>",
        "xl/styles.xml": STYLES,
    }
    for n, rows in enumerate(sheets.values()):
        cells = "".join(
            _xlsx_row(number, row, "1" if number in hidden else "0")
            for number, row in enumerate(rows, start=1)
        )
        merges = f'<mergeCells><mergeCell ref="{merged}"/></mergeCells>' if merged else ""
        sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{cells}</sheetData>{merges}</worksheet>'
        members[f"xl/worksheets/sheet{n}.xml"] = sheet
    return zipped(members)


def _xlsx_row(number: int, row: Sequence[object], hidden: str) -> str:
    cells = (_xlsx_cell(f"{chr(65 + n)}{number}", cell) for n, cell in enumerate(row))
    return f'<row r="{number}" hidden="{hidden}">{"".join(cells)}</row>'


def _xlsx_cell(place: str, cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Written):
        return cell.format(place=place)
    if isinstance(cell, bool):
        return f'<c r="{place}" t="b"><v>{int(cell)}</v></c>'
    if isinstance(cell, dt.date):
        style, moment = (2, cell) if isinstance(cell, dt.datetime) else (1, _midnight(cell))
        return f'<c r="{place}" s="{style}"><v>{(moment - DAY_0) / dt.timedelta(days=1)}</v></c>'
    if isinstance(cell, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{escape(cell)}</t></is></c>'
    return f'<c r="{place}"><v>{cell}</v></c>'


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time())


def ods(*, protected: bool = False, **sheets: Rows) -> bytes:
    """A spreadsheet of LibreOffice."""
    tables = "".join(
        f'<table:table table:name="{name}">{"".join(map(_ods_row, rows))}</table:table>'
        for name, rows in sheets.items()
    )
    secret = "<manifest:encryption-data/>" if protected else ""
    return zipped(
        {
            "mimetype": ODS,
            "content.xml": f"<office:document-content {ODS_NAMES}><office:body>"
            f"<office:spreadsheet>{tables}</office:spreadsheet></office:body>"
            "</office:document-content>",
            "META-INF/manifest.xml": f"<manifest:manifest {ODS_NAMES}><manifest:file-entry "
            f'manifest:full-path="content.xml" manifest:media-type="text/xml">{secret}'
            "</manifest:file-entry></manifest:manifest>",
        }
    )


def _ods_row(row: Sequence[object]) -> str:
    return f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>"


def _ods_cell(cell: object) -> str:
    if cell is None:
        return "<table:table-cell/>"
    if isinstance(cell, Written):
        return cell
    kind, name, value = "string", "string-value", str(cell)
    if isinstance(cell, bool):
        kind, name, value = "boolean", "boolean-value", str(cell).lower()
    elif isinstance(cell, dt.date):
        kind, name, value = "date", "date-value", cell.isoformat()
    elif isinstance(cell, (int, float)):
        kind, name = "float", "value"
    return (
        f'<table:table-cell office:value-type="{kind}" office:{name}={quoteattr(value)}>'
        f"<text:p>{escape(str(cell))}</text:p></table:table-cell>"
    )


def zipped(members: Mapping[str, str]) -> bytes:
    """A zip archive."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return content.getvalue()
