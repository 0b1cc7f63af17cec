"""All operations of a transaction, in SQL that SQLite and PostgreSQL both understand."""

from __future__ import annotations

from monitor.store.delivery_rows import DeliveryRows
from monitor.store.ended_rows import EndedRows
from monitor.store.erasing_rows import ErasingRows
from monitor.store.fallback_rows import FallbackRows
from monitor.store.followed_rows import FollowedRows
from monitor.store.lease_rows import LeaseRows
from monitor.store.listing_rows import ListingRows
from monitor.store.order_rows import OrderRows
from monitor.store.round_rows import RoundRows
from monitor.store.story_rows import StoryRows
from monitor.store.stuck_rows import StuckRows
from monitor.store.tally_rows import TallyRows
from monitor.store.vital_rows import VitalRows


class SqlTransaction(
    ErasingRows,
    OrderRows,
    FollowedRows,
    StuckRows,
    DeliveryRows,
    FallbackRows,
    RoundRows,
    StoryRows,
    LeaseRows,
    ListingRows,
    TallyRows,
    VitalRows,
    EndedRows,
):
    """All operations of ``Transaction``, in SQL."""
