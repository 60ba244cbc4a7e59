"""Which address is whose. Streams and sockets are in `gateway_app.routing`."""

from csp import constants as csp
from csp.decorators import csp_replace
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from llmgateway.crowds import taking_turns
from llmgateway.schema_document import SharedSchema

docs = csp_replace({"script-src": [csp.SELF]})(SpectacularSwaggerSplitView.as_view(url_name="schema"))

urlpatterns = [
    path("", RedirectView.as_view(url="/docs/")),
    path("admin/login/", taking_turns(admin.site.login)),
    path("admin/", admin.site.urls),
    path("schema/", SpectacularAPIView.as_view(generator_class=SharedSchema), name="schema"),
    path("docs/", docs, name="docs"),
    path("", include("gateway_app.urls")),
    path("", include("prompts_app.urls")),
    path("", include("evals_app.urls")),
]
