"""The app by itself. Who may come in is the gateway's business, so here the door stands open."""

from django.contrib import admin
from django.urls import path

from prompts_app import urls

urlpatterns = [
    path("admin/", admin.site.urls),
    *(
        path(
            str(route.pattern),
            route.callback.view_class.as_view(authentication_classes=[], permission_classes=[]),
        )
        for route in urls.urlpatterns
    ),
]
