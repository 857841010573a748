"""Mail that comes back, as mail systems write it: by RFC 3464, with their own ways of filling it in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Returned:
    """`to`: whom what was sent came from. `original`: the part that holds what was sent, with its kind."""

    to: str = "hotline@bank.example"
    recipient: str = "wang.fang@bank.example"
    action: str = "failed"
    status: str = "5.1.1"
    words: str = "smtp; 550 5.1.1 <wang.fang@bank.example>: Recipient address rejected: User unknown"
    original: str = "Content-Type: text/rfc822-headers\n\nSubject: test\n"

    def mail(self) -> bytes:
        """As it lies in the folder."""
        text = f"""\
Return-Path: <>
Delivered-To: {self.to}
From: MAILER-DAEMON@mail.bank.example (Mail Delivery System)
To: {self.to}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="4B1C"

This is a MIME-encapsulated message.

--4B1C
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--4B1C
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.bank.example
Arrival-Date: Mon, 8 Jun 2026 12:00:00 +0800 (CST)

Final-Recipient: rfc822; {self.recipient}
Action: {self.action}
Status: {self.status}
Diagnostic-Code: {self.words}

--4B1C
{self.original}
--4B1C--
"""
        return text.encode()
