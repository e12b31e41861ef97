// The tables of plugins' storage in PostgreSQL and the one function that writes them, so that a commit is one round trip. What a step says has been made
// somewhere, so it stays as it is.

/** How many of a plugin's last commits are known by their names. */
const NAMES_KEPT = 16;

/** All times are milliseconds since 1970. */
const TABLES = (schema: string): string => `
CREATE TABLE ${schema}.plugins (
  plugin text COLLATE "C" PRIMARY KEY,
  version bigint NOT NULL DEFAULT 0, bytes bigint NOT NULL DEFAULT 0, keys bigint NOT NULL DEFAULT 0,
  has_ends boolean NOT NULL DEFAULT false,
  log_since bigint, log_changes bigint NOT NULL DEFAULT 0, log_bytes bigint NOT NULL DEFAULT 0,
  ids text[] NOT NULL DEFAULT '{}', id_versions bigint[] NOT NULL DEFAULT '{}', id_had boolean[] NOT NULL DEFAULT '{}'
);
CREATE TABLE ${schema}.entries (
  plugin text COLLATE "C" NOT NULL, key bytea NOT NULL, value bytea NOT NULL, version bigint NOT NULL, ends_at bigint,
  PRIMARY KEY (plugin, key)
);
CREATE INDEX ending ON ${schema}.entries (plugin, ends_at) WHERE ends_at IS NOT NULL;
CREATE TABLE ${schema}.log (
  plugin text COLLATE "C" NOT NULL, seq bigint NOT NULL, place integer NOT NULL,
  key bytea NOT NULL, removed boolean NOT NULL, at bigint NOT NULL, trace text,
  PRIMARY KEY (plugin, seq, place)
);
CREATE FUNCTION ${schema}.now_ms(given bigint) RETURNS bigint LANGUAGE sql VOLATILE AS
  $$ SELECT coalesce(given, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) $$;
`;

/** Whole commits go, the oldest first; a little more than is needed, so that not every commit trims. */
const TRIM = (schema: string): string => `
CREATE FUNCTION ${schema}.trim_log(
  INOUT m ${schema}.plugins, seq_now bigint, at_now bigint, max_age bigint, max_changes bigint, max_bytes bigint
) LANGUAGE plpgsql AS $$
DECLARE
  cut bigint; excess bigint; gone_changes bigint; gone_bytes bigint;
BEGIN
  LOOP
    cut := NULL;
    SELECT l.at INTO cut FROM ${schema}.log l WHERE l.plugin = m.plugin ORDER BY l.seq, l.place LIMIT 1;
    IF cut <= at_now - max_age THEN
      SELECT coalesce(min(l.seq), seq_now + 1) - 1 INTO cut FROM ${schema}.log l WHERE l.plugin = m.plugin AND l.at > at_now - max_age;
    ELSE
      excess := greatest(m.log_changes - max_changes, CASE WHEN m.log_bytes <= max_bytes THEN 0
        ELSE ceil((m.log_bytes - max_bytes) * m.log_changes / m.log_bytes::numeric) END);
      EXIT WHEN excess <= 0;
      SELECT l.seq INTO cut FROM ${schema}.log l WHERE l.plugin = m.plugin
        ORDER BY l.seq, l.place LIMIT 1 OFFSET least(m.log_changes - 1, excess + m.log_changes / 50);
    END IF;
    WITH gone AS (DELETE FROM ${schema}.log l WHERE l.plugin = m.plugin AND l.seq <= cut RETURNING l.key)
      SELECT count(*), coalesce(sum(length(key) + 64), 0) INTO gone_changes, gone_bytes FROM gone;
    m.log_changes := m.log_changes - gone_changes;
    m.log_bytes := m.log_bytes - gone_bytes;
    m.log_since := cut;
    EXIT WHEN gone_changes = 0;
  END LOOP;
END $$;
`;

/**
 * What it answers: 'made', 'failed' for a check, 'keys' or 'bytes' for the quota that is full. Everything is looked at before anything is written, so that a
 * refusal is an answer, and one of many in a statement spoils no other.
 */
const COMMIT = (schema: string): string => `
CREATE FUNCTION ${schema}.write_commit(
  p text, id text, given_now bigint, trace text, keeps_log boolean, only_where_there boolean, above bigint,
  check_keys bytea[], check_versions bigint[], keys bytea[], vals bytea[], ttls bigint[],
  max_bytes bigint, max_keys bigint, log_age bigint, log_changes bigint, log_bytes bigint,
  OUT outcome text, OUT version bigint, OUT had boolean, OUT found_keys bigint
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  m ${schema}.plugins; now_ms bigint; known integer; made bigint; freed_bytes bigint; freed_keys bigint; new_bytes bigint; new_keys bigint;
BEGIN
  SELECT * INTO m FROM ${schema}.plugins AS o WHERE o.plugin = p FOR UPDATE;
  IF NOT FOUND THEN
    INSERT INTO ${schema}.plugins (plugin) VALUES (p) ON CONFLICT DO NOTHING;
    SELECT * INTO m FROM ${schema}.plugins AS o WHERE o.plugin = p FOR UPDATE;
  END IF;
  found_keys := m.keys;
  known := array_position(m.ids, id);
  IF known IS NOT NULL THEN
    outcome := 'made'; version := m.id_versions[known]; had := m.id_had[known];
    RETURN;
  END IF;
  now_ms := ${schema}.now_ms(given_now);
  version := 0; had := false; outcome := 'made';
  IF cardinality(check_keys) > 0 AND EXISTS (
    SELECT FROM unnest(check_keys, check_versions) AS c(key, version)
    LEFT JOIN ${schema}.entries AS e ON e.plugin = p AND e.key = c.key AND (e.ends_at IS NULL OR e.ends_at > now_ms)
    WHERE coalesce(e.version, 0) <> c.version
  ) THEN
    outcome := 'failed';
    RETURN;
  END IF;
  IF cardinality(keys) = 0 THEN RETURN; END IF;
  had := EXISTS (SELECT FROM ${schema}.entries AS e WHERE e.plugin = p AND e.key = keys[1] AND (e.ends_at IS NULL OR e.ends_at > now_ms));
  IF only_where_there AND NOT had THEN RETURN; END IF;
  IF m.has_ends THEN
    WITH gone AS (DELETE FROM ${schema}.entries AS e WHERE e.plugin = p AND e.ends_at <= now_ms RETURNING length(e.key) + length(e.value) AS bytes)
      SELECT coalesce(sum(gone.bytes), 0), count(*) INTO freed_bytes, freed_keys FROM gone;
    m.bytes := m.bytes - freed_bytes; m.keys := m.keys - freed_keys; found_keys := m.keys;
  END IF;
  WITH last AS (
    SELECT DISTINCT ON (c.key) c.key, c.value FROM unnest(keys, vals) WITH ORDINALITY AS c(key, value, place) ORDER BY c.key, c.place DESC
  )
  SELECT
    m.bytes + coalesce(sum(CASE WHEN last.value IS NULL THEN 0 ELSE length(last.key) + length(last.value) END), 0)
      - coalesce(sum(length(e.key) + length(e.value)), 0),
    m.keys + count(last.value) - count(e.key)
  INTO new_bytes, new_keys FROM last LEFT JOIN ${schema}.entries AS e ON e.plugin = p AND e.key = last.key;
  IF new_keys > max_keys AND new_keys > m.keys THEN outcome := 'keys';
  ELSIF new_bytes > max_bytes AND new_bytes > m.bytes THEN outcome := 'bytes';
  END IF;
  IF outcome <> 'made' THEN
    UPDATE ${schema}.plugins AS o SET bytes = m.bytes, keys = m.keys WHERE o.plugin = p;
    RETURN;
  END IF;
  version := greatest(m.version, above) + 1;
  made := version;
  IF array_position(vals, NULL) IS NOT NULL THEN
    DELETE FROM ${schema}.entries AS e USING (
      SELECT DISTINCT ON (c.key) c.key, c.value FROM unnest(keys, vals) WITH ORDINALITY AS c(key, value, place) ORDER BY c.key, c.place DESC
    ) AS last WHERE e.plugin = p AND e.key = last.key AND last.value IS NULL;
  END IF;
  INSERT INTO ${schema}.entries AS e (plugin, key, value, version, ends_at)
    SELECT p, last.key, last.value, made, now_ms + last.ttl FROM (
      SELECT DISTINCT ON (c.key) c.key, c.value, c.ttl
      FROM unnest(keys, vals, ttls) WITH ORDINALITY AS c(key, value, ttl, place) ORDER BY c.key, c.place DESC
    ) AS last WHERE last.value IS NOT NULL
    ON CONFLICT (plugin, key) DO UPDATE SET value = excluded.value, version = excluded.version, ends_at = excluded.ends_at;
  IF keeps_log THEN
    m.log_since := coalesce(m.log_since, m.version);
    INSERT INTO ${schema}.log (plugin, seq, place, key, removed, at, trace)
      SELECT p, made, c.place, c.key, c.value IS NULL, now_ms, trace FROM unnest(keys, vals) WITH ORDINALITY AS c(key, value, place);
    m.log_changes := m.log_changes + cardinality(keys);
    m.log_bytes := m.log_bytes + (SELECT sum(length(k) + 64) FROM unnest(keys) AS k);
    m := ${schema}.trim_log(m, made, now_ms, log_age, log_changes, log_bytes);
  ELSIF m.log_since IS NOT NULL THEN
    DELETE FROM ${schema}.log AS l WHERE l.plugin = p;
    m.log_since := NULL; m.log_changes := 0; m.log_bytes := 0;
  END IF;
  UPDATE ${schema}.plugins AS o SET
    version = made, bytes = new_bytes, keys = new_keys,
    has_ends = m.has_ends OR cardinality(array_remove(ttls, NULL)) > 0,
    log_since = m.log_since, log_changes = m.log_changes, log_bytes = m.log_bytes,
    ids = (id || m.ids)[1:${NAMES_KEPT}], id_versions = (made || m.id_versions)[1:${NAMES_KEPT}], id_had = (had || m.id_had)[1:${NAMES_KEPT}]
  WHERE o.plugin = p;
END $$;
`;

/** What brings the schema from each number to the next. */
export const STEPS: readonly ((schema: string) => string)[] = [(schema) => TABLES(schema) + TRIM(schema) + COMMIT(schema)];
