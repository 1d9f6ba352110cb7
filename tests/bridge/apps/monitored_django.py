# SPDX-License-Identifier: MIT
"""monitored_django - a project in one file, with the middleware and urls of django-prometheus"""

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse

import work

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    SECRET_KEY="of a test",
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django_prometheus"],
    MIDDLEWARE=[
        "django_prometheus.middleware.PrometheusBeforeMiddleware",
        "django_prometheus.middleware.PrometheusAfterMiddleware",
    ],
)
django.setup()

from django.urls import include, path  # noqa: E402


def job(request: HttpRequest, number: int) -> HttpResponse:
    return HttpResponse(work.job(number))


def hang(request: HttpRequest) -> HttpResponse:
    work.hang()
    return HttpResponse("")


urlpatterns = [
    path("job/<int:number>", job, name="job"),
    path("hang", hang),
    path("", include("django_prometheus.urls")),
]
app = get_wsgi_application()
