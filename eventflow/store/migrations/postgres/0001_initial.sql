-- Every table in one place, as in the SQLite schema; texts compare by byte, as there. Times are seconds since the epoch;
-- texts named labels, extensions, detail and keys are JSON.

-- One row an event. `tx` tells readers of the log's tail which rows can no longer be overtaken by an earlier position.
CREATE TABLE events (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  namespace TEXT COLLATE "C" NOT NULL,
  source_name TEXT COLLATE "C" NOT NULL,
  event_name TEXT COLLATE "C" NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  source TEXT COLLATE "C" NOT NULL,
  type TEXT COLLATE "C" NOT NULL,
  subject TEXT COLLATE "C",
  time TEXT COLLATE "C",
  datacontenttype TEXT COLLATE "C",
  dataschema TEXT COLLATE "C",
  extensions TEXT COLLATE "C" NOT NULL,
  received_at DOUBLE PRECISION NOT NULL,
  digest BYTEA NOT NULL,
  data BYTEA NOT NULL,
  tx xid8 NOT NULL DEFAULT pg_current_xact_id()
);
-- The key stands first, so that no planner takes this index for a filter by namespace or source.
CREATE UNIQUE INDEX events_key ON events (key, event_name, source_name, namespace);
CREATE INDEX events_time ON events (received_at, seq);
CREATE INDEX events_source ON events (source_name, received_at, seq);

-- The same key with another body: the first is kept, the others are only recorded.
CREATE TABLE event_conflicts (
  event BIGINT NOT NULL,
  digest BYTEA NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  received_at DOUBLE PRECISION NOT NULL,
  PRIMARY KEY (event, digest)
);

-- One event addressed to one sensor. A pending row may be claimed once `due` has come; a claim moves `due` ahead.
CREATE TABLE deliveries (
  event BIGINT NOT NULL,
  sensor TEXT COLLATE "C" NOT NULL,
  outcome TEXT COLLATE "C" NOT NULL,
  due DOUBLE PRECISION NOT NULL,
  tries BIGINT NOT NULL,
  owner TEXT COLLATE "C" NOT NULL,
  reason TEXT COLLATE "C" NOT NULL,
  detail TEXT COLLATE "C",
  error TEXT COLLATE "C" NOT NULL,
  settled_at DOUBLE PRECISION,
  PRIMARY KEY (event, sensor)
);
CREATE INDEX deliveries_due ON deliveries (due, event) WHERE outcome = 'pending';
CREATE INDEX deliveries_dead ON deliveries (event, sensor) WHERE outcome = 'dead';

CREATE TABLE firings (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id TEXT COLLATE "C" NOT NULL UNIQUE,
  sensor TEXT COLLATE "C" NOT NULL,
  trigger_name TEXT COLLATE "C" NOT NULL,
  keys TEXT COLLATE "C" NOT NULL,
  created_at DOUBLE PRECISION NOT NULL,
  outcome TEXT COLLATE "C" NOT NULL,
  detail TEXT COLLATE "C",
  completed_at DOUBLE PRECISION
);
CREATE INDEX firings_sensor ON firings (sensor, seq);
CREATE INDEX firings_completed ON firings (completed_at) WHERE completed_at IS NOT NULL;

CREATE TABLE outbox (
  id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
  firing TEXT COLLATE "C" NOT NULL,
  sensor TEXT COLLATE "C" NOT NULL,
  trigger_name TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  payload BYTEA NOT NULL,
  state TEXT COLLATE "C" NOT NULL,
  due DOUBLE PRECISION NOT NULL,
  tries BIGINT NOT NULL,
  owner TEXT COLLATE "C" NOT NULL,
  error TEXT COLLATE "C" NOT NULL,
  created_at DOUBLE PRECISION NOT NULL,
  settled_at DOUBLE PRECISION
);
CREATE INDEX outbox_due ON outbox (due) WHERE state = 'pending';
CREATE INDEX outbox_done ON outbox (settled_at) WHERE state = 'done';
CREATE INDEX outbox_dead ON outbox (created_at, id) WHERE state = 'dead';

CREATE TABLE joins (
  sensor TEXT COLLATE "C" NOT NULL,
  trigger_name TEXT COLLATE "C" NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  state BYTEA,
  deadline DOUBLE PRECISION,
  updated_at DOUBLE PRECISION,
  PRIMARY KEY (sensor, trigger_name, key)
);
CREATE INDEX joins_deadline ON joins (deadline) WHERE deadline IS NOT NULL;

CREATE TABLE cursors (
  source TEXT COLLATE "C" PRIMARY KEY NOT NULL,
  position TEXT COLLATE "C" NOT NULL,
  updated_at DOUBLE PRECISION NOT NULL
);

CREATE TABLE objects (
  kind TEXT COLLATE "C" NOT NULL,
  namespace TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  uid TEXT COLLATE "C" NOT NULL,
  revision BIGINT NOT NULL,
  generation BIGINT NOT NULL,
  number BIGINT NOT NULL,
  digest TEXT COLLATE "C" NOT NULL,
  created_at DOUBLE PRECISION NOT NULL,
  updated_at DOUBLE PRECISION NOT NULL,
  manifest BYTEA NOT NULL,
  status BYTEA,
  PRIMARY KEY (kind, namespace, name)
);

CREATE TABLE object_versions (
  revision BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind TEXT COLLATE "C" NOT NULL,
  namespace TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  uid TEXT COLLATE "C" NOT NULL,
  number BIGINT NOT NULL,
  generation BIGINT NOT NULL,
  at DOUBLE PRECISION NOT NULL,
  action TEXT COLLATE "C" NOT NULL,
  digest TEXT COLLATE "C" NOT NULL,
  manifest BYTEA NOT NULL,
  UNIQUE (kind, namespace, name, number)
);
CREATE INDEX object_versions_kind ON object_versions (kind, revision);

-- What lists and filters read, and nothing large.
CREATE TABLE workflows (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  uid TEXT COLLATE "C" NOT NULL UNIQUE,
  namespace TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  phase TEXT COLLATE "C" NOT NULL,
  message TEXT COLLATE "C" NOT NULL,
  priority BIGINT NOT NULL,
  created_at DOUBLE PRECISION NOT NULL,
  started_at DOUBLE PRECISION,
  finished_at DOUBLE PRECISION,
  firing TEXT COLLATE "C",
  labels TEXT COLLATE "C" NOT NULL,
  template TEXT COLLATE "C" NOT NULL,
  node_count BIGINT NOT NULL,
  progress TEXT COLLATE "C" NOT NULL,
  shard BIGINT NOT NULL,
  archived BIGINT NOT NULL
);
CREATE UNIQUE INDEX workflows_name ON workflows (namespace, name) WHERE archived = 0;
CREATE UNIQUE INDEX workflows_firing ON workflows (firing) WHERE firing IS NOT NULL;
CREATE INDEX workflows_archived_name ON workflows (namespace, name) WHERE archived = 1;
CREATE INDEX workflows_namespace ON workflows (namespace, seq);
CREATE INDEX workflows_phase ON workflows (phase, seq);
CREATE INDEX workflows_open ON workflows (shard, seq) WHERE finished_at IS NULL;
CREATE INDEX workflows_finished ON workflows (finished_at) WHERE archived = 0 AND finished_at IS NOT NULL;

-- Written once; apart from the header, which is updated often.
CREATE TABLE workflow_sources (
  workflow BIGINT PRIMARY KEY,
  manifest BYTEA NOT NULL,
  definition BYTEA NOT NULL
);

CREATE TABLE workflow_states (
  workflow BIGINT PRIMARY KEY,
  state BYTEA NOT NULL
);

CREATE TABLE workflow_labels (
  key TEXT COLLATE "C" NOT NULL,
  value TEXT COLLATE "C" NOT NULL,
  workflow BIGINT NOT NULL,
  PRIMARY KEY (key, value, workflow)
);

CREATE TABLE nodes (
  workflow BIGINT NOT NULL,
  ordinal BIGINT NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  phase TEXT COLLATE "C" NOT NULL,
  data BYTEA NOT NULL,
  PRIMARY KEY (workflow, ordinal)
);

CREATE TABLE attempts (
  workflow BIGINT NOT NULL,
  pod TEXT COLLATE "C" NOT NULL,
  ordinal BIGINT NOT NULL,
  state TEXT COLLATE "C" NOT NULL,
  spec_digest TEXT COLLATE "C" NOT NULL,
  pod_uid TEXT COLLATE "C" NOT NULL,
  intended_at DOUBLE PRECISION NOT NULL,
  started_at DOUBLE PRECISION,
  finished_at DOUBLE PRECISION,
  result BYTEA,
  PRIMARY KEY (workflow, pod)
);

CREATE TABLE journal (
  workflow BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  at DOUBLE PRECISION NOT NULL,
  entries BYTEA NOT NULL,
  PRIMARY KEY (workflow, seq)
);

CREATE TABLE shards (
  id BIGINT PRIMARY KEY,
  owner TEXT COLLATE "C",
  epoch BIGINT NOT NULL,
  expires DOUBLE PRECISION NOT NULL
);
INSERT INTO shards (id, owner, epoch, expires)
  SELECT id, NULL, 0, 0 FROM generate_series(0, 63) AS ids (id);

CREATE TABLE locks (
  name TEXT COLLATE "C" PRIMARY KEY NOT NULL
);

CREATE TABLE lock_holders (
  lock TEXT COLLATE "C" NOT NULL,
  holder TEXT COLLATE "C" NOT NULL,
  since DOUBLE PRECISION NOT NULL,
  PRIMARY KEY (lock, holder)
);
CREATE INDEX lock_holders_holder ON lock_holders (holder);

CREATE TABLE lock_waiters (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  lock TEXT COLLATE "C" NOT NULL,
  waiter TEXT COLLATE "C" NOT NULL,
  priority BIGINT NOT NULL,
  since DOUBLE PRECISION NOT NULL,
  UNIQUE (lock, waiter)
);
CREATE INDEX lock_waiters_waiter ON lock_waiters (waiter);
