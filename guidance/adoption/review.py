"""The draft of a periodic review as a Word document, in Vietnamese, laid out as Decree 30/2020 asks.

It states what the figures say and where each comes from; judgement and plans are left to the writer, in brackets.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import date
from typing import IO, Any

from babel.numbers import format_decimal, format_percent

from guidance.adoption import failures, indicators, queries, values
from guidance.adoption.exports import Made
from guidance.adoption.periods import Period
from guidance.units.queries import Place

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_FONT = "Times New Roman"
_REASONS = {
    "no_phone": "không có điện thoại phù hợp",
    "sim": "SIM không chính chủ",
    "no_level_2": "chưa có tài khoản mức 2",
    "no_code": "không nhận được mã OTP",
    "nfc": "không đọc được chip (NFC)",
    "face": "không nhận được khuôn mặt",
    "mismatch": "dữ liệu không khớp",
    "papers": "thiếu giấy tờ",
    "payment": "lỗi thanh toán",
    "system": "hệ thống lỗi",
    "other": "lý do khác",
    "": "không ghi lý do",
}


def _n(number: float) -> str:
    return str(format_decimal(round(number, 1), locale="vi_VN"))


def _share(value: float | None) -> str:
    return "–" if value is None else str(format_percent(value, format="#,##0.0#%", locale="vi_VN"))


def _month(day: date) -> str:
    return f"{day.month:02}/{day.year}"


def _days(figure: values.Figure) -> str:
    start, end = f"{figure.period_start:%d/%m/%Y}", f"{figure.period_end:%d/%m/%Y}"
    return end if start == end else f"{start} –\n{end}"


def _name(figure: values.Figure) -> str:
    return figure.indicator.names["vi"]


class _Writer:
    """Paragraphs in the decree's type, and a numbered list of sources."""

    def __init__(self) -> None:
        from docx import Document
        from docx.enum.text import WD_ALIGN_PARAGRAPH
        from docx.oxml.ns import qn
        from docx.shared import Mm, Pt

        self.Pt, self.Mm, self.qn, self.align = Pt, Mm, qn, WD_ALIGN_PARAGRAPH
        self.file = Document()
        self.sources: list[str] = []
        section = self.file.sections[0]
        section.page_width, section.page_height = Mm(210), Mm(297)
        section.top_margin = section.bottom_margin = Mm(20)
        section.left_margin, section.right_margin = Mm(30), Mm(15)
        section.different_first_page_header_footer = True
        style = self.file.styles["Normal"]
        style.font.name, style.font.size = _FONT, Pt(14)
        style.element.rPr.rFonts.set(qn("w:eastAsia"), _FONT)
        style.paragraph_format.space_after = Pt(6)
        self._page_number(section.header.paragraphs[0])

    def _page_number(self, paragraph: Any) -> None:
        """Pages are numbered in the middle of the upper margin, from the second on."""
        from docx.oxml import OxmlElement

        paragraph.alignment = self.align.CENTER
        run = paragraph.add_run()
        for kind, text in (("begin", None), (None, "PAGE"), ("end", None)):
            if kind:
                part = OxmlElement("w:fldChar")
                part.set(self.qn("w:fldCharType"), kind)
            else:
                part = OxmlElement("w:instrText")
                part.text = text
            run._r.append(part)

    def source(self, words: str) -> str:
        """The number of a source in the list at the end."""
        if words not in self.sources:
            self.sources.append(words)
        return f"[{self.sources.index(words) + 1}]"

    def line(self, cell: Any, text: str, size: int, *, bold: bool = False, italic: bool = False) -> Any:
        """A centred line in a cell or document."""
        paragraph = cell.add_paragraph()
        paragraph.alignment = self.align.CENTER
        paragraph.paragraph_format.space_after = self.Pt(0)
        run = paragraph.add_run(text)
        run.bold, run.italic = bold, italic
        run.font.size, run.font.name = self.Pt(size), _FONT
        return paragraph

    def text(self, words: str, *, bold: bool = False, italic: bool = False) -> None:
        """A justified paragraph whose first line stands in."""
        paragraph = self.file.add_paragraph()
        paragraph.alignment = self.align.JUSTIFY
        paragraph.paragraph_format.first_line_indent = self.Mm(10)
        run = paragraph.add_run(words)
        run.bold, run.italic = bold, italic

    def heading(self, words: str) -> None:
        """A heading of the report; a real one, so that Word's outline shows it."""
        paragraph = self.file.add_heading(level=2)
        paragraph.paragraph_format.space_before = self.Pt(6)
        run = paragraph.add_run(words)
        run.bold = True
        run.font.size, run.font.name = self.Pt(14), _FONT
        run.font.color.rgb = None
        run._r.rPr.rFonts.set(self.qn("w:ascii"), _FONT)
        run._r.rPr.rFonts.set(self.qn("w:hAnsi"), _FONT)
        from docx.shared import RGBColor

        run.font.color.rgb = RGBColor(0, 0, 0)

    def widths(self, table: Any, millimetres: Sequence[int]) -> list[Any]:
        """Give the columns their widths, in the grid and in each cell: Word reads the one, LibreOffice the other."""
        table.autofit = False
        for place, width in enumerate(millimetres):
            table.columns[place].width = self.Mm(width)
            for cell in table.columns[place].cells:
                cell.width = self.Mm(width)
        return [row.cells for row in table.rows]

    def table(
        self, head: list[str], rows: list[list[str]], numeric: set[int], millimetres: Sequence[int]
    ) -> None:
        """A grid with a repeated head."""
        table = self.file.add_table(rows=1, cols=len(head))
        table.style = "Table Grid"
        for place, words in enumerate(head):
            self._cell(table.rows[0].cells[place], words, bold=True, right=False)
        from docx.oxml import OxmlElement

        repeat = OxmlElement("w:tblHeader")
        repeat.set(self.qn("w:val"), "true")
        table.rows[0]._tr.get_or_add_trPr().append(repeat)
        for row in rows:
            line = table.add_row()
            line._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
            cells = line.cells
            for place, words in enumerate(row):
                self._cell(cells[place], words, bold=False, right=place in numeric)
        self.widths(table, millimetres)
        self.file.add_paragraph().paragraph_format.space_after = self.Pt(0)

    def _cell(self, cell: Any, words: str, *, bold: bool, right: bool) -> None:
        paragraph = cell.paragraphs[0]
        paragraph.paragraph_format.space_after = self.Pt(0)
        paragraph.alignment = self.align.RIGHT if right else self.align.LEFT
        run = paragraph.add_run(words)
        run.bold = bold
        run.font.size = self.Pt(12)


def document(place: Place | None, period: Period, today: date, made: Made) -> IO[bytes]:
    """The draft in a temporary file, ready to be read."""
    writer = _Writer()
    name = place.name if place else "Toàn bộ trang"
    report = queries.report(place, period, "", "vi", today, 10)
    _heading_block(writer, name, today)
    stretch = f"từ tháng {_month(period.start)} đến tháng {_month(period.last_month)}"
    writer.line(writer.file, "BÁO CÁO", 14, bold=True)
    writer.line(
        writer.file, f"Kết quả hỗ trợ người dân sử dụng dịch vụ công trực tuyến {stretch}", 14, bold=True
    )
    writer.line(writer.file, "(Bản thảo)", 13, italic=True)
    writer.file.add_paragraph()
    if report.partial:
        writer.text(f"Kỳ báo cáo chưa kết thúc; số liệu tính đến ngày {today:%d/%m/%Y}.", italic=True)
    log = writer.source(
        f"Nhật ký hỗ trợ tại quầy của {made.where}; kỳ {period.from_text} đến {period.to_text}; lấy ngày {today:%d/%m/%Y}; định nghĩa bản {indicators.version()}"
    )
    _results(writer, report, log)
    _official(writer, place, period)
    _former(writer, place)
    _difficulties(writer, place, period, log)
    _next(writer, report)
    _sources(writer)
    _signature(writer, made)
    file = tempfile.TemporaryFile()  # noqa: SIM115 -- handed to the caller, who closes it
    writer.file.save(file)
    file.seek(0)
    return file


def _heading_block(writer: _Writer, name: str, today: date) -> None:
    table = writer.file.add_table(rows=1, cols=2)
    left, right = writer.widths(table, (62, 103))[0]
    for cell in (left, right):
        cell.paragraphs[0]._p.getparent().remove(cell.paragraphs[0]._p)
    writer.line(left, "ỦY BAN NHÂN DÂN", 13, bold=True)
    writer.line(left, name.upper(), 13, bold=True)
    _rule(writer, left, 18)
    writer.line(left, "Số:        /BC-UBND", 13)
    writer.line(right, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", 12, bold=True)
    writer.line(right, "Độc lập - Tự do - Hạnh phúc", 13, bold=True)
    _rule(writer, right, 21)
    writer.line(right, f"…………, ngày {today.day:02} tháng {today.month:02} năm {today.year}", 13, italic=True)
    writer.file.add_paragraph()


def _rule(writer: _Writer, cell: Any, inset: int) -> None:
    """The thin line under a name in the heading block, so many millimetres in from both sides."""
    from docx.oxml import OxmlElement

    paragraph = writer.line(cell, "", 2)
    borders = OxmlElement("w:pBdr")
    top = OxmlElement("w:top")
    for name, value in (("val", "single"), ("sz", "6"), ("space", "1"), ("color", "000000")):
        top.set(writer.qn(f"w:{name}"), value)
    borders.append(top)
    paragraph._p.get_or_add_pPr().append(borders)
    paragraph.paragraph_format.left_indent = paragraph.paragraph_format.right_indent = writer.Mm(inset)
    paragraph.paragraph_format.line_spacing = writer.Pt(6)


def _results(writer: _Writer, report: queries.Report, log: str) -> None:
    sums = report.sums
    writer.heading("I. KẾT QUẢ THỰC HIỆN")
    writer.heading("1. Hỗ trợ người dân")
    writer.text(
        f"Trong kỳ, có {_n(sums.people)} lượt người được giúp qua {_n(sums.cases)} lần hỗ trợ {log}. "
        f"Kỳ trước liền kề: {_n(report.before.people)} lượt; cùng kỳ năm trước: {_n(report.year_before.people)} lượt."
    )
    if report.target and report.goal:
        gap = report.gap or 0
        rest = f"còn thiếu {_n(gap)} lượt" if gap > 0 else "đã đạt mục tiêu"
        about = writer.source(
            f"Mục tiêu: {report.target.source or 'cộng từ mục tiêu của các đơn vị trực thuộc'}"
        )
        writer.text(
            f"Mục tiêu của kỳ là {_n(report.goal)} lượt {about}; đạt {_share(sums.people / report.goal)}, {rest}."
        )
    if report.estimate:
        about = writer.source(f"Số người ước tính: {report.estimate.source}")
        writer.text(
            f"Số lượt được giúp bằng {_share(sums.people / report.estimate.number)} của {_n(report.estimate.number)} người ước tính {about}."
        )
    writer.text(
        f"Có {_n(sums.submitted)} lượt nộp được hồ sơ trực tuyến, {_n(sums.activated)} lượt kích hoạt được tài khoản, "
        f"{_n(sums.counter)} lượt phải nộp tại quầy. Trong {_n(sums.self_service.denominator)} lượt làm xong trên mạng, "
        f"{_n(sums.self_service.numerator)} lượt do người dân tự làm khi được hướng dẫn ({_share(sums.self_service.value)}) {log}."
    )
    writer.table(
        ["Tháng", "Lượt người", "Cùng tháng năm trước", "Nộp trực tuyến", "Dừng hoặc chuyển"],
        [
            [
                _month(row.month) + (" (chưa hết)" if row.partial else ""),
                _n(row.sums.people),
                _n(row.year_before),
                _n(row.sums.submitted),
                _n(row.sums.stopped + row.sums.referred),
            ]
            for row in report.months
        ],
        {1, 2, 3, 4},
        (37, 32, 32, 32, 32),
    )
    if len(report.units) > 1:
        writer.text(f"Theo đơn vị {log}:")
        writer.table(
            ["Đơn vị", "Lượt người", "Mục tiêu", "Còn thiếu", "Tự làm được"],
            [
                [
                    row.place.name if row.place else "Không ghi đơn vị",
                    _n(row.sums.people),
                    _n(row.target) if row.target is not None else "–",
                    _n(row.gap) if row.gap is not None and row.gap > 0 else "–",
                    f"{_share(row.sums.self_service.value)} ({_n(row.sums.self_service.numerator)}/{_n(row.sums.self_service.denominator)})",
                ]
                for row in report.units
            ],
            {1, 2, 3, 4},
            (50, 25, 25, 25, 40),
        )


def _official(writer: _Writer, place: Place | None, period: Period) -> None:
    writer.heading("2. Số liệu của các hệ thống chính thức, theo nhóm công việc")
    page = values.official(place, period=period) if place else None
    if page is None or not page.sets:
        writer.text(
            "Chưa có số liệu chính thức nào được nhập cho kỳ này. [Nhập số liệu rồi xuất lại, hoặc bổ sung tại đây.]"
        )
        return
    writer.text(
        "Số liệu dưới đây đếm hồ sơ hoặc đối tượng theo từng nguồn, không cộng với số lượt hỗ trợ ở mục 1."
    )
    for group in page.sets:
        writer.text(indicators._content()["sets"][group.key]["vi"], bold=True)
        rows = []
        for figure in group.latest:
            number = (
                "–"
                if figure.numerator is None
                else ("" if figure.qualifier == "=" else f"{figure.qualifier} ") + _n(figure.numerator)
            )
            if figure.share is not None:
                share = _share(figure.share)
            elif figure.reported is not None:
                sign = "" if figure.share_qualifier == "=" else f"{figure.share_qualifier} "
                share = f"{sign}{_share(figure.reported)} (theo báo cáo)"
            else:
                share = "–"
            if figure.target is not None:
                goal = figure.target
                wanted = _n(goal.number) if goal.number is not None else _share(goal.share)
                share += f" (mục tiêu {wanted})"
            rows.append(
                [
                    _name(figure) + (f" – {figure.part}" if figure.part else ""),
                    _days(figure),
                    number,
                    _n(figure.denominator) if figure.denominator else "–",
                    share,
                    writer.source(
                        figure.source + (f" (cộng từ {figure.parts} đơn vị)" if figure.parts else "")
                    ),
                ]
            )
        writer.table(
            ["Chỉ tiêu", "Kỳ", "Số lượng", "Trên tổng số", "Tỷ lệ", "Nguồn"],
            rows,
            {2, 3, 4},
            (50, 25, 23, 23, 27, 17),
        )


def _former(writer: _Writer, place: Place | None) -> None:
    page = values.official(place) if place else None
    if page is None or not page.former:
        return
    writer.heading("3. Số liệu của đơn vị hành chính trước sắp xếp")
    for former in page.former:
        heirs = ", ".join(heir.name for heir in former.shared_with)
        writer.text(
            f"Số liệu của {former.place.name} (đơn vị cũ; nay thuộc {heirs}) được giữ nguyên cho đơn vị cũ, không chia cho các đơn vị mới."
        )
        writer.table(
            ["Chỉ tiêu", "Kỳ", "Số lượng", "Tỷ lệ", "Nguồn"],
            [
                [
                    _name(figure),
                    _days(figure),
                    "–"
                    if figure.numerator is None
                    else ("" if figure.qualifier == "=" else f"{figure.qualifier} ") + _n(figure.numerator),
                    "–"
                    if figure.reported is None
                    else ("" if figure.share_qualifier == "=" else f"{figure.share_qualifier} ")
                    + _share(figure.reported)
                    + " (theo báo cáo)",
                    writer.source(figure.source),
                ]
                for figure in former.figures
            ],
            {2, 3},
            (60, 25, 25, 38, 17),
        )


def _difficulties(writer: _Writer, place: Place | None, period: Period, log: str) -> None:
    found = failures.failures(period, queries.ids_in(place), "vi", 5)
    writer.heading("II. KHÓ KHĂN, VƯỚNG MẮC")
    if not found.people:
        writer.text(f"Nhật ký không ghi trường hợp nào phải dừng hoặc chuyển nơi khác {log}.")
    else:
        writer.text(
            f"Có {_n(found.people)} lượt người phải dừng hoặc được chuyển nơi khác {log}. Lý do thường gặp:"
        )
        for row in found.reasons[:5]:
            writer.text(
                f"- {_REASONS.get(row.reason, row.reason)}: {_n(row.people)} lượt ({_share(row.share.value)});"
            )
        writer.text("Nội dung vướng nhiều nhất:")
        for stuck in found.stuck[:5]:
            step = f", bước {stuck.step}" if stuck.step else ""
            writer.text(
                f"- {stuck.title}{step}: {_REASONS.get(stuck.reason, stuck.reason)}, {_n(stuck.people)} lượt;"
            )
    writer.text("[Nguyên nhân khách quan, chủ quan: người viết bổ sung.]", italic=True)


def _next(writer: _Writer, report: queries.Report) -> None:
    writer.heading("III. NHIỆM VỤ THỜI GIAN TỚI")
    if report.gap and report.gap > 0:
        writer.text(f"- Giúp thêm {_n(report.gap)} lượt người để đạt mục tiêu của kỳ.")
    for words in (
        "Tuyên truyền, hướng dẫn người dân",
        "Trách nhiệm của Ban Chỉ đạo và người đứng đầu",
        "Trang thiết bị",
        "Kiểm tra, chấm điểm thi đua",
    ):
        writer.text(f"- {words}: [người viết bổ sung].")


def _sources(writer: _Writer) -> None:
    writer.heading("Nguồn số liệu")
    for number, words in enumerate(writer.sources, start=1):
        writer.text(f"[{number}] {words}.")


def _signature(writer: _Writer, made: Made) -> None:
    table = writer.file.add_table(rows=1, cols=2)
    left, right = table.rows[0].cells
    paragraph = left.paragraphs[0]
    run = paragraph.add_run("Nơi nhận:")
    run.bold = run.italic = True
    run.font.size = writer.Pt(12)
    for words in ("- Như trên;", "- Lưu: VT."):
        paragraph = left.add_paragraph()
        paragraph.paragraph_format.space_after = writer.Pt(0)
        paragraph.add_run(words).font.size = writer.Pt(11)
    right.paragraphs[0].alignment = writer.align.CENTER
    run = right.paragraphs[0].add_run("QUYỀN HẠN, CHỨC VỤ CỦA NGƯỜI KÝ")
    run.bold = True
    writer.line(right, "(Ký, ghi rõ họ tên)", 13, italic=True)
    note = writer.file.add_paragraph()
    note.add_run(f"Bản thảo do {made.by} xuất từ {made.where}.").italic = True
