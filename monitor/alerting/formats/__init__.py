"""A message as each kind of channel takes it. Pure: a Message in, text or a payload out.

``plain`` is for everybody; ``slack`` gives Block Kit, ``teams`` an Adaptive Card, ``markdown`` the dialects of Discord,
Telegram, Teams and Matrix, and ``html`` a mail. Whatever comes from an order is text in all of them, and never markup.
"""
