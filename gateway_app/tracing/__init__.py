"""Traces of finished calls, for Langfuse and for whatever speaks OTLP.

    ledger worker ─ offer ─> Feed (a bounded queue and a thread for each tracer) ─ export ─> Langfuse | OTLP
    feedback, evals ─ send_score ─> Redis ─┘

A request never meets a tracer: calls come from the ledger's consumer, after they are in Postgres. What a dead
or slow host cannot take is dropped, oldest first, and counted. Calls that went straight to Postgres while
Redis was away are in the ledger, but have no trace.
"""
