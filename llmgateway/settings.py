"""Django's settings, top to bottom. Values from outside come from `env.py` alone."""

import ssl
import sys
from datetime import timedelta
from typing import Any

from csp import constants as csp

from llmgateway import __version__, env, logs

try:
    ENV = env.read()
except env.InvalidEnvironment as error:
    sys.exit(f"llmgateway: {error}")

VERSION = __version__
BASE_DIR = env.ROOT
DEBUG = ENV.debug
SECRET_KEY = ENV.secret_key
ALLOWED_HOSTS = ENV.allowed_hosts

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "axes",
    "prompts_app",
    "gateway_app",
    "evals_app",
]

# The admin's and the docs' middleware. The API has a lean handler of its own (asgi.py) and none of these.
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "axes.middleware.AxesMiddleware",
    "llmgateway.crowds.UnavailablePages",
]
ROOT_URLCONF = "llmgateway.urls"
ASGI_APPLICATION = "llmgateway.asgi.application"
APPEND_SLASH = True

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "llmgateway" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# Postgres: always through Django's pool, every wait bounded. Its plans are for disks without a moving head.
DATABASES = {"default": ENV.database | {"CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False}}
DATABASES["default"]["OPTIONS"] = {
    "connect_timeout": 3,
    "options": "-c statement_timeout=30000 -c lock_timeout=5000 -c random_page_cost=1.1",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    **ENV.database.get("OPTIONS", {}),
    "pool": {"min_size": 0, "max_size": ENV.database_pool_size, "timeout": 3, "reconnect_timeout": 2},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "responses": {
        "BACKEND": "gateway_app.response_cache.AsyncRedisCache",
        "LOCATION": ENV.redis_url,
        "KEY_PREFIX": "gw",
        "TIMEOUT": ENV.cache_ttl,
        "OPTIONS": {
            "SERIALIZER": "gateway_app.response_cache.MsgspecSerializer",
            "CONNECTION_POOL_KWARGS": {"socket_timeout": 0.2, "socket_connect_timeout": 0.2, "retry": None},
        },
    },
}

LANGFUSE = bool(ENV.langfuse_public_key and ENV.langfuse_secret_key)
GATEWAY = {
    "REDIS_URL": ENV.redis_url,
    "DEFAULT_MODEL": ENV.default_model,
    "CATALOGUE": BASE_DIR / "fixtures" / "models.yaml",
    "MASKS": ENV.masks_file,
    "LEDGER_MONTHS": ENV.ledger_retention_months,
    "CACHE_TTL": ENV.cache_ttl,
    "ALLOW_ANONYMOUS": ENV.allow_anonymous,
    "MAX_BODY_BYTES": ENV.max_body_bytes,
    "IMAGE_URL_HOSTS": ENV.image_url_hosts,
    "IMAGE_URLS_ALLOW_PRIVATE": ENV.image_urls_allow_private,
    "REQUEST_TIMEOUT": ENV.request_timeout,
    "FIRST_TOKEN_TIMEOUT": ENV.first_token_timeout,
    "IDLE_TIMEOUT": ENV.idle_timeout,
    "WEB_WORKERS": ENV.web_workers,
    "CIRCUIT_FAILURES": ENV.circuit_failures,
    "LOG_PROMPTS": ENV.log_prompts,
    "TRACE_URL": ENV.trace_url or (f"{ENV.langfuse_host}/trace/{{trace_id}}" if LANGFUSE else ""),
    # Pages of other apps that a call's page leads to: title, address, permission.
    "CALL_LINKS": (("Add to a dataset", "admin:evals_app_add_call", "evals_app.change_dataset"),),
    "METRICS_TOKEN": ENV.metrics_token,
}
GEMINI_TRANSPORTS = {
    "wire": "gateway_app.providers.gemini.Gemini",
    "sdk": "gateway_app.providers.gemini_sdk.GeminiSdk",
}
PROVIDERS = {
    "gemini": {
        "BACKEND": GEMINI_TRANSPORTS[ENV.gemini_transport],
        "EMBEDDER": "gateway_app.providers.gemini_embeddings.GeminiEmbedder",
        "OPTIONS": {"api_key": ENV.gemini_api_key, "base_url": ENV.gemini_base_url},
    },
    "openai": {
        "BACKEND": "gateway_app.providers.openai.OpenAI",
        "EMBEDDER": "gateway_app.providers.openai_embeddings.OpenAIEmbedder",
        "OPTIONS": {"api_key": ENV.openai_api_key, "base_url": ENV.openai_base_url},
    },
    "anthropic": {
        "BACKEND": "gateway_app.providers.anthropic.Anthropic",
        "OPTIONS": {"api_key": ENV.anthropic_api_key, "base_url": ENV.anthropic_base_url},
    },
}
# Traces go to each host that is named, through the ledger worker.
TRACERS: dict[str, dict[str, Any]] = {}
if LANGFUSE:
    TRACERS["langfuse"] = {
        "BACKEND": "gateway_app.tracing.langfuse.Langfuse",
        "OPTIONS": {
            "host": ENV.langfuse_host,
            "public_key": ENV.langfuse_public_key,
            "secret_key": ENV.langfuse_secret_key,
        },
    }
if ENV.otlp_endpoint:
    TRACERS["otlp"] = {
        "BACKEND": "gateway_app.tracing.otlp.Otlp",
        "OPTIONS": {"endpoint": ENV.otlp_endpoint, "headers": ENV.otlp_headers, "version": VERSION},
    }
PROMPTS = {
    "DIRECTORY": BASE_DIR / "fixtures" / "prompts",
    "PINS": ENV.prompt_pins,
    "REQUIRE_REVIEW": ENV.require_review,
    "PUBLISH_CHECKS": ["evals_app.publishing.passed_evaluation"] if ENV.require_eval else [],
    "FIGURES": "gateway_app.version_figures.version_figures",
    "WEBHOOKS_ALLOW_PRIVATE": ENV.webhooks_allow_private,
}
EVALS = {
    "DIRECTORY": BASE_DIR / "fixtures" / "evals",
    "JUDGE_MODEL": ENV.judge_model or ENV.default_model,
    "EMBEDDING_MODEL": ENV.embedding_model,
    "CAP_USD": "5",
    "LANES": 2,
}

# Work that need not be done while somebody waits. A task is done when it has ended, and comes back if its
# worker dies; what a task does it must therefore be able to do twice.
CELERY_BROKER_URL = ENV.redis_url
# Celery's own default asks for no certificate. `ssl_ca_certs` in the URL names others to trust.
CELERY_BROKER_USE_SSL = {"ssl_cert_reqs": ssl.CERT_REQUIRED} if ENV.redis_url.startswith("rediss") else False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "global_keyprefix": "gw:celery:",
    "visibility_timeout": 600,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "gateway"
# Task -> seconds. What one beat queued is void when the next comes: a queue without workers does not grow.
CLOCK = {
    "prompts.apply_scheduled": 5,
    "prompts.deliver_webhooks": 5,
    "evals.look_at_experiments": 30,
    "evals.judge_experiments": 15,
    "evals.take_up_lost_runs": 60,
    "gateway_app.tasks.tick": 15,
    "gateway_app.tasks.ledger_rollups": 60,
    "gateway_app.tasks.ledger_upkeep": 3600,
}
CELERY_BEAT_SCHEDULE = {
    task: {"task": task, "schedule": seconds, "options": {"expires": seconds}}
    for task, seconds in CLOCK.items()
}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_max": 0.2}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]
# After ten wrong passwords for a name, the address they came from waits a quarter of an hour with that name.
# Nobody else is locked out. Counted in Postgres, which a login needs anyway.
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_CALLABLE = "llmgateway.login_attempts.name"
AXES_CLIENT_IP_CALLABLE = f"llmgateway.login_attempts.{'forwarded' if ENV.behind_proxy else 'connected'}"
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = AXES_VERBOSE = False
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
# An image has its static files collected, compressed and hashed; a checkout finds them where they lie.
COLLECTED = STATIC_ROOT.exists() or "collectstatic" in sys.argv
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = not COLLECTED
STORAGES = {
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if COLLECTED
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    }
}

TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = "llmgateway.formats"

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ENV.behind_proxy else None
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = ENV.https_only
SECURE_HSTS_SECONDS = 31536000 if ENV.https_only else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = ENV.https_only
# No script but our own files. The admin's theme needs two exceptions: Alpine evaluates its attributes, and
# bars have their width in a style attribute; the docs need the second alone (urls.py).
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [csp.NONE],
        "script-src": [csp.SELF, csp.UNSAFE_EVAL],
        "style-src": [csp.SELF, csp.UNSAFE_INLINE],
        "img-src": [csp.SELF, "data:"],
        "font-src": [csp.SELF],
        "connect-src": [csp.SELF],
        "form-action": [csp.SELF],
        "base-uri": [csp.NONE],
        "frame-ancestors": [csp.NONE],
    }
}
CSRF_TRUSTED_ORIGINS = ENV.csrf_trusted_origins
CORS_ALLOWED_ORIGINS = ENV.cors_allowed_origins

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["gateway_app.permissions.KeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["gateway_app.permissions.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["prompts_app.json_parser.StrictJsonParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "gateway_app.errors.drf_exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "LLM gateway",
    "DESCRIPTION": "Prompts, chat and streams through one service.",
    "VERSION": VERSION,
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "POSTPROCESSING_HOOKS": ["evals_app.openapi.complete", "gateway_app.openapi.complete"],
    # The document itself is for everybody.
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
}
UNFOLD = {
    "SITE_TITLE": "LLM gateway",
    "SITE_HEADER": "LLM gateway",
    "SITE_SYMBOL": "alt_route",
    "DASHBOARD_CALLBACK": "gateway_app.dashboard.callback",
    "SIDEBAR": {"navigation": "llmgateway.admin_menu.navigation"},
}

LOGGING_CONFIG = None
logs.configure(level=ENV.log_level, form=ENV.log_format)
