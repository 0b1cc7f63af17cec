"""Sources, orders, which of them are followed by id, events, deliveries.

Times are microseconds since 1970; ``doc`` columns are JSON, and hold what no query asks for.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# SQLite numbers rows by itself only in a column of type INTEGER.
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# Compared by code points, as SQLite and Python do, whatever the database's own language is.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
# What SQLite has as json_each. No text here holds a NUL: what is asked for with one is sought without.
# The list stands after FROM: PostgreSQL 15 cannot plan it elsewhere, once tables are large ("failed to find unique
# expression in subplan tlist").
_FUNCTIONS = """
CREATE FUNCTION texts_in(list text) RETURNS TABLE (value text) LANGUAGE sql IMMUTABLE
  AS $$ SELECT one COLLATE "C" FROM jsonb_array_elements_text(replace(list, '\\u0000', '\\ufffd')::jsonb) AS one $$;
CREATE FUNCTION numbers_in(list text) RETURNS TABLE (value bigint) LANGUAGE sql IMMUTABLE
  AS $$ SELECT one::bigint FROM jsonb_array_elements_text(list::jsonb) AS one $$;
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_FUNCTIONS)
    op.create_table(
        "sources",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("lease_until", sa.BigInteger, nullable=False),
        sa.Column("doc", TEXT),
        sqlite_with_rowid=False,
    )
    # What each of several daemons holds, until when by the database's clock: itself, sources, lanes, duties.
    op.create_table(
        "leases",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "orders",
        sa.Column("source", TEXT, primary_key=True),
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("number", TEXT),
        sa.Column("status", TEXT, nullable=False),
        # When it entered its status: as observed, else when it was placed, else when it was seen first.
        sa.Column("status_at", sa.BigInteger, nullable=False),
        sa.Column("vanished", sa.SmallInteger, nullable=False),
        sa.Column("mark", sa.BigInteger, nullable=False),
        sa.Column("doc", TEXT, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("orders_by_number", "orders", ["source", "number"])
    # Shorter ids first, as numbers go: the order in which they are listed, page by page. The other columns are all
    # that a start reads of an order: a million are loaded from the index alone.
    op.create_index("orders_in_order", "orders", ["source", sa.text("LENGTH(id)"), "id", "vanished", "mark", "status"])
    # By age in their status, those that are there apart from those that are gone: for rules, pages and counts, which
    # need nothing else of an order.
    op.create_index("orders_by_age", "orders", ["vanished", "source", "status", "status_at", "id"])
    # Which orders are stuck, by which route's rule, and who was told of it; without told_at: to be looked at.
    op.create_table(
        "stuck",
        sa.Column("source", TEXT, primary_key=True),
        sa.Column("order_id", TEXT, primary_key=True),
        sa.Column("route", TEXT, primary_key=True),
        sa.Column("status_at", sa.BigInteger, nullable=False),
        sa.Column("told_at", sa.BigInteger),
        sa.Column("told", sa.Integer, nullable=False),
        sa.Column("escalated", sa.SmallInteger, nullable=False),
        sa.Column("urls", TEXT, nullable=False),
        sa.Column("next_at", sa.BigInteger),
        sqlite_with_rowid=False,
    )
    op.create_index("stuck_by_time", "stuck", ["source", "route", "next_at"])
    # Up to which age (and id, among those as old) a rule has looked at the orders of a status, and since when it does.
    op.create_table(
        "stuck_rules",
        sa.Column("source", TEXT, primary_key=True),
        sa.Column("route", TEXT, primary_key=True),
        sa.Column("status", TEXT, primary_key=True),
        sa.Column("fingerprint", TEXT, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("up_to", sa.BigInteger, nullable=False),
        sa.Column("up_to_id", TEXT, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "followed",
        sa.Column("source", TEXT, primary_key=True),
        sa.Column("order_id", TEXT, primary_key=True),
        sa.Column("since", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    # AUTOINCREMENT: an id that was once a message's reference is never given to another row.
    op.create_table(
        "events",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("order_id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        # The status that the order entered, normalised; empty where it entered none.
        sa.Column("entered", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("doc", TEXT, nullable=False),
        sa.Column("routing", TEXT, nullable=False),
        sa.UniqueConstraint("source", "order_id", "kind", "revision"),
        sqlite_autoincrement=True,
    )
    # With the kind, so that events are counted from the index alone.
    op.create_index("events_by_time", "events", ["source", "at", "kind"])
    # The newest of a source, of a kind or of both, page by page.
    op.create_index("events_by_kind", "events", ["source", "kind", "id"])
    op.create_table(
        "deliveries",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("route", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("url_number", sa.Integer, nullable=False),
        sa.Column("url", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("order_id", TEXT, nullable=False),
        # What its message waits for with others (nothing: it tells of one event), and what it must not overtake.
        sa.Column("gathers", TEXT, nullable=False),
        sa.Column("queue", TEXT, nullable=False),
        # The dead letter whose news it tells instead.
        sa.Column("stands_for", sa.BigInteger),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("retry_in", sa.BigInteger, nullable=False),
        sa.Column("wish", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("owner", TEXT),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("last_error", TEXT),
        sa.Column("settled_at", sa.BigInteger),
        sa.Column("title", TEXT),
        sa.Column("body", TEXT),
        sqlite_autoincrement=True,
    )
    unsettled = sa.text("state IN ('waiting', 'sending')")
    # What is settled by its state, the newest first, page by page. Not what waits: whoever sends has indexes of that.
    settled = sa.text("settled_at IS NOT NULL")
    op.create_index("deliveries_settled", "deliveries", ["state", "id"], sqlite_where=settled, postgresql_where=settled)
    op.create_index(
        "deliveries_unsettled",
        "deliveries",
        ["url", "queue", "id"],
        sqlite_where=unsettled,
        postgresql_where=unsettled,
    )
    stands_in = sa.text("stands_for IS NOT NULL")
    op.create_index(
        "deliveries_standing_in",
        "deliveries",
        ["stands_for", "url"],
        unique=True,
        sqlite_where=stands_in,
        postgresql_where=stands_in,
    )
    waiting = sa.text("state = 'waiting'")
    op.create_index(
        "deliveries_waiting",
        "deliveries",
        ["url", "attempts", "id"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    sending = sa.text("state = 'sending'")
    op.create_index("deliveries_sending", "deliveries", ["owner"], sqlite_where=sending, postgresql_where=sending)
    gathering = sa.text("gathers <> ''")
    op.create_index(
        "deliveries_gathering",
        "deliveries",
        ["queue", "url", "id"],
        sqlite_where=gathering,
        postgresql_where=gathering,
    )
    # How many events each route had in which transaction, as far back as a storm looks.
    op.create_table(
        "route_events",
        sa.Column("route", TEXT, primary_key=True),
        sa.Column("at", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("events", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    # Up to when what happens at certain times has been seen to, such as fire drills.
    op.create_table(
        "schedules",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("seen_to", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    # Log-ins to the page that were ended before their time.
    op.create_table(
        "ended_sessions",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("until", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "delivery_events",
        sa.Column("delivery_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("event_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    op.create_index("delivery_events_by_event", "delivery_events", ["event_id"])
    # AUTOINCREMENT: the routing of events names silences by their numbers.
    op.create_table(
        "silences",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("doc", TEXT, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("silences_by_until", "silences", ["until"])
    op.create_table(
        "attempts",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("delivery_id", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("doc", TEXT, nullable=False),
    )
    op.create_index("attempts_by_delivery", "attempts", ["delivery_id"])


def downgrade() -> None:
    for table in (
        "attempts",
        "silences",
        "delivery_events",
        "ended_sessions",
        "schedules",
        "route_events",
        "deliveries",
        "events",
        "followed",
        "stuck_rules",
        "stuck",
        "orders",
        "leases",
        "sources",
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION texts_in; DROP FUNCTION numbers_in")
