"""Reasons that the core and the reading of files give in English, as the people who send a campaign meet them.

They are raised where no language is known, and are the same in a log in any country. The command shows them in its own
language: each of these is in the catalogue, with its ``{places}``.
"""

from __future__ import annotations

OURS = ("reason", "advice", "length", "meaning")
"""Places that hold words of ours, which are phrases too."""
PHRASES = (
    # An error's field and reason.
    "number: {reason}",
    "text: {reason}",
    "params: {reason}",
    "row: {reason}",
    "send_at: {reason}",
    "reference: {reason}",
    "encoding: {reason}",
    "file: {reason}",
    "column: {reason}",
    "row {number}: {reason}",
    # Numbers (sms_core.numbers).
    "is too long for a telephone number",
    "was rounded by a spreadsheet (as 9.00E+08 is): its digits are lost, write it again",
    "ends with .0: a spreadsheet took it for a decimal number",
    "ends with something in parentheses, which is no part of a number",
    "is empty",
    "holds several numbers: give each its own place in a list",
    "lacks its leading 0: a spreadsheet may have dropped it",
    "has no country code that can be told: write + in front of it",
    "is not a mobile number of Taiwan: 09 and eight more digits",
    "is not a mobile number of Taiwan: +886 is followed by 9 and eight more digits",
    "is not a telephone number: 09… of Taiwan, or + and 7 to 15 digits",
    "holds the invisible character {character}",
    # Rows.
    "has {cells} cells and the header {headers}: a comma in a text needs quotes around it",
    "has a cell in a column without a name: a comma in a text needs quotes around it",
    "{header} holds the bytes {lost}, which are no character of {encoding}: {advice}",
    "write that character anew and save the file as 'CSV UTF-8'",
    "the column {column} is empty, and the text has a place for it",
    "{column} is {value}, which a spreadsheet shows instead of a value: mend it there",
    "there is no column {column} for {place}: write {braces} for braces",
    "repeats row {number}, number and text",
    "number and text",
    # Times.
    "needs a day and a time, such as {example}, Taipei's where no zone is named",
    "is a day without a time: write {example}",
    "is a spreadsheet's number of a day without a time: write {example}",
    "has an order of day and month that cannot be told: write {examples}",
    "has a year of two digits: write all four, such as {example}",
    # Files.
    "is empty: its first row names the columns, such as number,name,text",
    "holds no rows below its header",
    "names no column 'number' (or mobile, phone, 手機, 行動電話, 門號 and the like), only {headers}: name it with --column number=HEADER",
    "is an old .xls, or has a password: save it as .xlsx, or as 'CSV UTF-8'",
    "is a web page or XML, whatever its name says: open it in Excel, and save it as .xlsx",
    "the bytes do not tell how the file is encoded: {ways}",
    "was not chosen: name it with --encoding, or save the file as 'CSV UTF-8'",
    "is neither UTF-8 nor Big5 in row {row}: --encoding cp1252 would read it as {example}",
    "is a result file whose run is not beside it: give the table that was sent",
    # Runs.
    "the file's folder is on a network share, or is synchronised",
    "the file's folder cannot be written to",
    "the run of {file} is finished, and the file has rows that it has not: --run NAME begins a new run, and without --yes it asks whether to add them",
    "{file} is there, and not of this run: {advice}",
    "--results FILE names another, --overwrite replaces it",
    "may have been handed to the vendor, whose answer is not known yet",
    "the run pauses: {reason}",
    # What was guessed.
    "the file is not UTF-8 (byte {place}), so it was read as Big5 (cp950): look at a text before you send",
    "row 1 is taken for a title: row 2 names the columns",
    "rows 1 to {last} are taken for titles: row {header} names the columns",
    "the column for the {meaning} is {taken}, not {others}; --column {what}={other} takes the other",
    "numbers that lack their leading 0: {count}, the first in row {row}; --mend-numbers puts it back",
    "numbers that lacked their leading 0 and got it: {count}, such as {examples}",
    # Why texts take segments.
    "Chinese, {length}",
    "letters and signs of GSM 03.38, {length}",
    "{character}, which GSM 03.38 lacks, {length}",
    "up to {count} characters",
    "longer than {count} characters: {joined} in each segment",
)
