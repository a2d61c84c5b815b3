-- The events of the measured tenant in a normalised schema, as one would model them for PostGraphile: one row per
-- event, actor snapshot, target and change, foreign keys with indexes, and the index that serves the measured page.
-- Built from the bodies that auditgraph has stored, which `auditgraph dump` prints.
\set ON_ERROR_STOP on
SET max_parallel_workers_per_gather = 0;
DROP SCHEMA IF EXISTS normalised CASCADE;
CREATE SCHEMA normalised;
SET search_path = normalised;

CREATE TABLE actor (
  id bigint PRIMARY KEY,
  kind text NOT NULL,
  name text,
  object_id text,
  user_principal_name text
);

CREATE TABLE audit_event (
  id bigint PRIMARY KEY,
  occurred_at timestamptz NOT NULL,
  event_key text NOT NULL,
  activity text NOT NULL,
  activity_display_name text NOT NULL,
  category text NOT NULL,
  service text NOT NULL,
  status text NOT NULL,
  correlation_id text,
  ip_address text,
  actor_id bigint NOT NULL
);

CREATE TABLE target (
  event_id bigint NOT NULL,
  ordinal int NOT NULL,
  object_id text,
  display_name text,
  type text
);

CREATE TABLE modified_property (
  event_id bigint NOT NULL,
  target_ordinal int NOT NULL,
  ordinal int NOT NULL,
  name text NOT NULL,
  change text NOT NULL,
  old_value jsonb,
  new_value jsonb
);

-- The standard input has the events after the sequence :after, one per line. Lines have neither of the two characters
-- that end a column or quote it.
CREATE TEMPORARY TABLE dumped (number bigint GENERATED ALWAYS AS IDENTITY, body jsonb);
\copy dumped (body) FROM pstdin WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')

CREATE TEMPORARY TABLE stored AS
  SELECT e.sequence, e.occurred_at, e.actor_id, d.body
  FROM dumped d
  JOIN public.audit_event e ON e.sequence = :after + d.number
  WHERE e.tenant_id = (SELECT id FROM public.tenant WHERE key = 'contoso');

INSERT INTO actor
  SELECT DISTINCT ON (actor_id) actor_id, body->'actor'->>'kind',
    COALESCE(body->'actor'->>'displayName', body->'actor'->'application'->>'displayName',
      body->'actor'->>'userPrincipalName'),
    body->'actor'->>'objectId', body->'actor'->>'userPrincipalName'
  FROM stored ORDER BY actor_id;

INSERT INTO audit_event
  SELECT sequence, to_timestamp(occurred_at / 1e6), body->>'eventKey', body->>'activity', body->>'activityDisplayName',
    body->>'category', body->>'service', body->>'status', body->>'correlationId', body->'actor'->>'ipAddress', actor_id
  FROM stored;

INSERT INTO target
  SELECT sequence, t.ordinal - 1, t.value->>'objectId', t.value->>'displayName', t.value->>'type'
  FROM stored, jsonb_array_elements(body->'targets') WITH ORDINALITY AS t (value, ordinal);

INSERT INTO modified_property
  SELECT sequence, t.ordinal - 1, p.ordinal - 1, p.value->>'name', p.value->>'change', p.value->'oldValue',
    p.value->'newValue'
  FROM stored, jsonb_array_elements(body->'targets') WITH ORDINALITY AS t (value, ordinal),
    jsonb_array_elements(t.value->'modifiedProperties') WITH ORDINALITY AS p (value, ordinal);

CREATE INDEX ON audit_event (category, occurred_at DESC, id DESC);
CREATE INDEX ON audit_event (actor_id);
ALTER TABLE audit_event ADD FOREIGN KEY (actor_id) REFERENCES actor;
ALTER TABLE target ADD PRIMARY KEY (event_id, ordinal), ADD FOREIGN KEY (event_id) REFERENCES audit_event;
ALTER TABLE modified_property ADD PRIMARY KEY (event_id, target_ordinal, ordinal),
  ADD FOREIGN KEY (event_id, target_ordinal) REFERENCES target;
RESET max_parallel_workers_per_gather;
VACUUM (ANALYZE) normalised.actor, normalised.audit_event, normalised.target, normalised.modified_property;
