"""Cells of a workbook whose formula has failed or was never computed: read as blank, which they are not."""

from __future__ import annotations

import html
import io
import re
import zipfile

_SHEET = re.compile(rb'<(?:\w+:)?sheet\s[^>]*?name="([^"]*)"[^>]*?r:id="([^"]*)"')
_TARGET = re.compile(rb"<Relationship\s[^>]*>")
_ATTRIBUTE = re.compile(rb'(\w+)="([^"]*)"')
_FAILED = re.compile(rb'<c\s[^>]*?r="([A-Z]+[0-9]+)"[^>]*?\st="e"|<c\s[^>]*?\st="e"[^>]*?\sr="([A-Z]+[0-9]+)"')
_UNCOMPUTED = re.compile(rb'<c\s[^>]*?r="([A-Z]+[0-9]+)"[^>]*?(?<!/)><f[^>]*?(?:/>|>[^<]*</f>)(?:<v\s*/>|<v></v>)?</c>')


def hollow_cells(data: bytes, sheet: str) -> frozenset[str]:
    """Return the cells (``E7``) of one sheet that hold an error value, or a formula without a value.

    Parameters
    ----------
    data
        Bytes of a workbook that a reader has accepted.
    sheet
        Name of the sheet.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        part = _part(archive, sheet)
        if part not in archive.namelist():
            return frozenset()
        cells = archive.read(part)
    if b"<f" not in cells and b't="e"' not in cells:
        return frozenset()
    failed = {match[1] or match[2] for match in _FAILED.finditer(cells)}
    uncomputed = {match[1] for match in _UNCOMPUTED.finditer(cells)}
    return frozenset(cell.decode() for cell in failed | uncomputed)


def _part(archive: zipfile.ZipFile, sheet: str) -> str:
    """Return the name of the archive's part that holds a sheet."""
    names = archive.namelist()
    if "xl/workbook.xml" not in names or "xl/_rels/workbook.xml.rels" not in names:
        return ""
    ids = {html.unescape(m[1].decode("utf-8")): m[2] for m in _SHEET.finditer(archive.read("xl/workbook.xml"))}
    for match in _TARGET.finditer(archive.read("xl/_rels/workbook.xml.rels")):
        attributes = dict(_ATTRIBUTE.findall(match[0]))
        if attributes.get(b"Id") == ids.get(sheet):
            target = attributes.get(b"Target", b"").decode("utf-8")
            return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return ""
