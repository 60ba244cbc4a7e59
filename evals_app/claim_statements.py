"""What lanes do with questions, as SQL: one statement for any number of them, many times a second.

All take `run`, `lane`, `now` and `until`, the end of a lease that begins now.
"""

KEEP = """
UPDATE evals_app_evalresult result SET state = 'done', finished_at = %(now)s, output = told.output,
    finish_reason = told.finish_reason, error = told.error, latency_ms = told.latency * 1000,
    cost_usd = told.cost_usd, judging_usd = told.judging_usd, scores = told.scores, score = told.score,
    passed = told.passed
FROM jsonb_to_recordset(%(outcomes)s::jsonb) AS told(
    result_id bigint, output text, finish_reason text, error text, latency float8, cost_usd numeric,
    judging_usd numeric, scores jsonb, score float8, passed boolean)
WHERE result.id = told.result_id AND result.run_id = %(run)s AND result.lane = %(lane)s
    AND result.state = 'asked'
RETURNING result.error <> ''
"""
"""Takes `outcomes`, JSON of `claims.Outcome`s. A row for each that is kept: whether it is an error."""

RENEW = """
UPDATE evals_app_evalresult SET leased_until = %(until)s
WHERE run_id = %(run)s AND lane = %(lane)s AND state = 'asked' AND leased_until < %(old)s
"""

GIVE_UP = """
UPDATE evals_app_evalresult SET state = 'done', error = %(error)s, finished_at = %(now)s
WHERE run_id = %(run)s AND state = 'asked' AND leased_until < %(now)s AND attempts >= %(most)s
"""

CLAIM = """
WITH rival AS NOT MATERIALIZED (
    SELECT case_id, repeat, output FROM evals_app_evalresult
    WHERE run_id = %(run)s AND version = %(baseline)s AND state = 'done'
), free AS (
    SELECT result.id, rival.output FROM evals_app_evalresult result
    LEFT JOIN rival ON %(pairs)s AND result.version <> %(baseline)s
        AND rival.case_id = result.case_id AND rival.repeat = result.repeat
    WHERE result.run_id = %(run)s AND result.state <> 'done'
        AND (result.state = 'open' OR result.leased_until < %(now)s)
        AND (NOT %(pairs)s OR result.version = %(baseline)s OR rival.output IS NOT NULL)
    ORDER BY result.id LIMIT greatest(0, least(%(wanted)s, %(concurrency)s - (
        SELECT count(*) FROM evals_app_evalresult
        WHERE run_id = %(run)s AND state = 'asked' AND leased_until >= %(now)s)))
)
UPDATE evals_app_evalresult result
SET state = 'asked', lane = %(lane)s, leased_until = %(until)s, attempts = attempts + 1
FROM free, evals_app_case asked WHERE result.id = free.id AND asked.id = result.case_id
RETURNING result.id, result.attempts, result.version, free.output, json_build_object(
    'variables', asked.variables, 'messages', asked.messages, 'expected', asked.expected)::text
"""
"""Up to `wanted` questions, as long as all lanes have less than `concurrency` open. With `pairs` a question
waits for the `baseline`'s answer to it, which comes along: a pair is judged when both are there."""
