"""Who may do what: a line for each address. `test_rights.py` walks them all and misses none."""

OPEN, OPERATOR = "open", "operator"

API = """
GET    /health                                          open
GET    /health/ready                                    open
GET    /metrics                                         operator
POST   /chat                                            chat
POST   /summarize                                       chat
POST   /prompts/<name>/chat                             chat
POST   /chat/stream                                     chat
POST   /summarize/stream                                chat
POST   /prompts/<name>/stream                           chat
POST   /v1/chat/completions                             chat
GET    /v1/models                                       chat
GET    /v1/models/<model>                               chat
GET    /usage                                           usage:read
GET    /calls/<request_id>                              usage:read
POST   /feedback                                        feedback
GET    /experiments                                     experiments:read
GET    /experiments/<name>                              experiments:read
GET    /prompts                                         prompts:read
POST   /prompts                                         prompts:write
GET    /prompts/<name>                                  prompts:read
PATCH  /prompts/<name>                                  prompts:write
POST   /prompts/<name>/render                           prompts:read
POST   /prompts/<name>/split                            prompts:write
POST   /prompts/<name>/roll-back                        prompts:write
POST   /prompts/<name>/archive                          prompts:write
POST   /prompts/<name>/restore                          prompts:write
GET    /prompts/<name>/changes                          prompts:read
GET    /prompts/<name>/files                            prompts:read
GET    /prompts/<name>/examples                         prompts:read
POST   /prompts/<name>/examples                         prompts:write
DELETE /prompts/<name>/examples/<example>               prompts:write
GET    /prompts/<name>/schedule                         prompts:read
POST   /prompts/<name>/schedule                         prompts:write
DELETE /prompts/<name>/schedule/<planned>               prompts:write
POST   /prompts/<name>/versions                         prompts:write
GET    /prompts/<name>/versions/<version>               prompts:read
DELETE /prompts/<name>/versions/<version>               prompts:write
POST   /prompts/<name>/versions/<version>/render        prompts:read
POST   /prompts/<name>/versions/<version>/publish       prompts:write
POST   /prompts/<name>/versions/<version>/activate      prompts:write
POST   /prompts/<name>/versions/<version>/archive       prompts:write
POST   /prompts/<name>/versions/<version>/restore       prompts:write
GET    /prompts/-/changes                               prompts:read
GET    /prompts/-/changes.csv                           prompts:read
GET    /prompts/-/files                                 prompts:read
POST   /prompts/-/files                                 prompts:write
GET    /prompts/-/webhooks                              prompts:write
POST   /prompts/-/webhooks                              prompts:write
PATCH  /prompts/-/webhooks/<hook>                       prompts:write
DELETE /prompts/-/webhooks/<hook>                       prompts:write
GET    /prompts/-/webhooks/<hook>/deliveries            prompts:write
POST   /prompts/-/webhooks/<hook>/deliveries/<delivery>/send-again  prompts:write
"""
"""Method, address, and the scope that a key needs; `open` needs none, `operator` is METRICS_TOKEN."""
