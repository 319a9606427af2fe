/** The steps from an empty database to the present one. Only ever added to. */
export const migrations: readonly string[] = [
  `CREATE TABLE rollouts (
     id TEXT PRIMARY KEY,
     revision INTEGER NOT NULL UNIQUE,
     created_at TEXT NOT NULL,
     plan TEXT NOT NULL,
     ended INTEGER NOT NULL DEFAULT 0
   ) STRICT;
   CREATE TABLE records (
     rollout TEXT NOT NULL REFERENCES rollouts(id),
     seq INTEGER NOT NULL,
     at TEXT NOT NULL,
     who TEXT NOT NULL,
     why TEXT,
     event TEXT NOT NULL,
     PRIMARY KEY (rollout, seq)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE views (
     rollout TEXT NOT NULL REFERENCES rollouts(id),
     name TEXT NOT NULL,
     view TEXT NOT NULL,
     PRIMARY KEY (rollout, name)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE observations (
     rollout TEXT NOT NULL REFERENCES rollouts(id),
     host TEXT NOT NULL,
     observation TEXT NOT NULL,
     PRIMARY KEY (rollout, host)
   ) STRICT, WITHOUT ROWID`,
  // What the daemon keeps: what hosts say, what happened, who decided, who may.
  `CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
   INSERT INTO meta VALUES ('epoch', lower(hex(randomblob(4))));
   CREATE TABLE events (
     seq INTEGER PRIMARY KEY AUTOINCREMENT,
     at TEXT NOT NULL,
     kind TEXT NOT NULL,
     host TEXT,
     rollout TEXT,
     data TEXT NOT NULL
   ) STRICT;
   CREATE INDEX events_by_time ON events (at);
   CREATE TRIGGER record_is_event AFTER INSERT ON records BEGIN
     INSERT INTO events (at, kind, host, rollout, data) VALUES (
       new.at, 'rollout', json_extract(new.event, '$.host'), new.rollout,
       json_object('seq', new.seq, 'who', new.who, 'why', new.why, 'event', json(new.event))
     );
   END;
   CREATE TABLE audit (
     seq INTEGER PRIMARY KEY AUTOINCREMENT,
     at TEXT NOT NULL,
     principal TEXT NOT NULL,
     role TEXT NOT NULL,
     transport TEXT NOT NULL,
     request TEXT,
     action TEXT NOT NULL,
     subject TEXT NOT NULL,
     reason TEXT
   ) STRICT;
   CREATE TABLE host_states (
     host TEXT PRIMARY KEY,
     looked_at INTEGER NOT NULL,
     answered_at INTEGER,
     error TEXT,
     position TEXT,
     state TEXT,
     verdict TEXT
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE tokens (
     id TEXT PRIMARY KEY,
     name TEXT NOT NULL UNIQUE,
     role TEXT NOT NULL,
     hash TEXT NOT NULL,
     created_at TEXT NOT NULL,
     expires_at TEXT
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE proposals (
     plan TEXT PRIMARY KEY,
     at TEXT NOT NULL,
     principal TEXT NOT NULL,
     reason TEXT,
     content TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE reboot_locks (
     host TEXT PRIMARY KEY,
     lock_group TEXT NOT NULL,
     at TEXT NOT NULL
   ) STRICT, WITHOUT ROWID`,
  // The last evidence of each host, packed.
  `CREATE TABLE evidence (
     host TEXT PRIMARY KEY,
     kept_at INTEGER NOT NULL,
     content BLOB NOT NULL
   ) STRICT`
]
