-- Every table in one place. Times are seconds since the epoch; texts named labels, extensions, detail and keys are JSON.

-- One row an event. AUTOINCREMENT: a position in the log is never given twice, even after the newest was collected.
CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  namespace TEXT NOT NULL,
  source_name TEXT NOT NULL,
  event_name TEXT NOT NULL,
  key TEXT NOT NULL,
  id TEXT NOT NULL,
  source TEXT NOT NULL,
  type TEXT NOT NULL,
  subject TEXT,
  time TEXT,
  datacontenttype TEXT,
  dataschema TEXT,
  extensions TEXT NOT NULL,
  received_at REAL NOT NULL,
  digest BLOB NOT NULL,
  data BLOB NOT NULL
) STRICT;
-- The key stands first, so that no planner takes this index for a filter by namespace or source.
CREATE UNIQUE INDEX events_key ON events (key, event_name, source_name, namespace);
CREATE INDEX events_time ON events (received_at, seq);
CREATE INDEX events_source ON events (source_name, received_at, seq);

-- The same key with another body: the first is kept, the others are only recorded.
CREATE TABLE event_conflicts (
  event INTEGER NOT NULL,
  digest BLOB NOT NULL,
  id TEXT NOT NULL,
  received_at REAL NOT NULL,
  PRIMARY KEY (event, digest)
) STRICT, WITHOUT ROWID;

-- One event addressed to one sensor. A pending row may be claimed once `due` has come; a claim moves `due` ahead.
CREATE TABLE deliveries (
  event INTEGER NOT NULL,
  sensor TEXT NOT NULL,
  outcome TEXT NOT NULL,
  due REAL NOT NULL,
  tries INTEGER NOT NULL,
  owner TEXT NOT NULL,
  reason TEXT NOT NULL,
  detail TEXT,
  error TEXT NOT NULL,
  settled_at REAL,
  PRIMARY KEY (event, sensor)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_due ON deliveries (due, event) WHERE outcome = 'pending';
CREATE INDEX deliveries_dead ON deliveries (event, sensor) WHERE outcome = 'dead';

CREATE TABLE firings (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  sensor TEXT NOT NULL,
  trigger_name TEXT NOT NULL,
  keys TEXT NOT NULL,
  created_at REAL NOT NULL,
  outcome TEXT NOT NULL,
  detail TEXT,
  completed_at REAL
) STRICT;
CREATE INDEX firings_sensor ON firings (sensor, seq);
CREATE INDEX firings_completed ON firings (completed_at) WHERE completed_at IS NOT NULL;

CREATE TABLE outbox (
  id TEXT PRIMARY KEY NOT NULL,
  firing TEXT NOT NULL,
  sensor TEXT NOT NULL,
  trigger_name TEXT NOT NULL,
  kind TEXT NOT NULL,
  payload BLOB NOT NULL,
  state TEXT NOT NULL,
  due REAL NOT NULL,
  tries INTEGER NOT NULL,
  owner TEXT NOT NULL,
  error TEXT NOT NULL,
  created_at REAL NOT NULL,
  settled_at REAL
) STRICT;
CREATE INDEX outbox_due ON outbox (due) WHERE state = 'pending';
CREATE INDEX outbox_done ON outbox (settled_at) WHERE state = 'done';
CREATE INDEX outbox_dead ON outbox (created_at, id) WHERE state = 'dead';

CREATE TABLE joins (
  sensor TEXT NOT NULL,
  trigger_name TEXT NOT NULL,
  key TEXT NOT NULL,
  state BLOB,
  deadline REAL,
  updated_at REAL,
  PRIMARY KEY (sensor, trigger_name, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX joins_deadline ON joins (deadline) WHERE deadline IS NOT NULL;

CREATE TABLE cursors (
  source TEXT PRIMARY KEY NOT NULL,
  position TEXT NOT NULL,
  updated_at REAL NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE objects (
  kind TEXT NOT NULL,
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  uid TEXT NOT NULL,
  revision INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  number INTEGER NOT NULL,
  digest TEXT NOT NULL,
  created_at REAL NOT NULL,
  updated_at REAL NOT NULL,
  manifest BLOB NOT NULL,
  status BLOB,
  PRIMARY KEY (kind, namespace, name)
) STRICT;

CREATE TABLE object_versions (
  revision INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  uid TEXT NOT NULL,
  number INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  at REAL NOT NULL,
  action TEXT NOT NULL,
  digest TEXT NOT NULL,
  manifest BLOB NOT NULL,
  UNIQUE (kind, namespace, name, number)
) STRICT;
CREATE INDEX object_versions_kind ON object_versions (kind, revision);

-- What lists and filters read, and nothing large.
CREATE TABLE workflows (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  uid TEXT NOT NULL UNIQUE,
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  phase TEXT NOT NULL,
  message TEXT NOT NULL,
  priority INTEGER NOT NULL,
  created_at REAL NOT NULL,
  started_at REAL,
  finished_at REAL,
  firing TEXT,
  labels TEXT NOT NULL,
  template TEXT NOT NULL,
  node_count INTEGER NOT NULL,
  progress TEXT NOT NULL,
  shard INTEGER NOT NULL,
  archived INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX workflows_name ON workflows (namespace, name) WHERE archived = 0;
CREATE UNIQUE INDEX workflows_firing ON workflows (firing) WHERE firing IS NOT NULL;
CREATE INDEX workflows_archived_name ON workflows (namespace, name) WHERE archived = 1;
CREATE INDEX workflows_namespace ON workflows (namespace, seq);
CREATE INDEX workflows_phase ON workflows (phase, seq);
CREATE INDEX workflows_open ON workflows (shard, seq) WHERE finished_at IS NULL;
CREATE INDEX workflows_finished ON workflows (finished_at) WHERE archived = 0 AND finished_at IS NOT NULL;

-- Written once; apart from the header, because SQLite rewrites a whole row on update.
CREATE TABLE workflow_sources (
  workflow INTEGER PRIMARY KEY,
  manifest BLOB NOT NULL,
  definition BLOB NOT NULL
) STRICT;

CREATE TABLE workflow_states (
  workflow INTEGER PRIMARY KEY,
  state BLOB NOT NULL
) STRICT;

CREATE TABLE workflow_labels (
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  workflow INTEGER NOT NULL,
  PRIMARY KEY (key, value, workflow)
) STRICT, WITHOUT ROWID;

CREATE TABLE nodes (
  workflow INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,
  id TEXT NOT NULL,
  phase TEXT NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (workflow, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
  workflow INTEGER NOT NULL,
  pod TEXT NOT NULL,
  ordinal INTEGER NOT NULL,
  state TEXT NOT NULL,
  spec_digest TEXT NOT NULL,
  pod_uid TEXT NOT NULL,
  intended_at REAL NOT NULL,
  started_at REAL,
  finished_at REAL,
  result BLOB,
  PRIMARY KEY (workflow, pod)
) STRICT, WITHOUT ROWID;

CREATE TABLE journal (
  workflow INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  at REAL NOT NULL,
  entries BLOB NOT NULL,
  PRIMARY KEY (workflow, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE shards (
  id INTEGER PRIMARY KEY,
  owner TEXT,
  epoch INTEGER NOT NULL,
  expires REAL NOT NULL
) STRICT;
INSERT INTO shards (id, owner, epoch, expires)
  WITH RECURSIVE ids (id) AS (SELECT 0 UNION ALL SELECT id + 1 FROM ids WHERE id < 63)
  SELECT id, NULL, 0, 0 FROM ids;

CREATE TABLE locks (
  name TEXT PRIMARY KEY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE lock_holders (
  lock TEXT NOT NULL,
  holder TEXT NOT NULL,
  since REAL NOT NULL,
  PRIMARY KEY (lock, holder)
) STRICT, WITHOUT ROWID;
CREATE INDEX lock_holders_holder ON lock_holders (holder);

CREATE TABLE lock_waiters (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  lock TEXT NOT NULL,
  waiter TEXT NOT NULL,
  priority INTEGER NOT NULL,
  since REAL NOT NULL,
  UNIQUE (lock, waiter)
) STRICT;
CREATE INDEX lock_waiters_waiter ON lock_waiters (waiter);
