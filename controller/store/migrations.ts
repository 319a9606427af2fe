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
   ) STRICT, WITHOUT ROWID`
]
