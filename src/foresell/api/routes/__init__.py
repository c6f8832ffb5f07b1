"""The routes, a file a subject."""

from fastapi import APIRouter

from foresell.api.access import Needs
from foresell.api.routes import (
    access,
    alerts,
    customers,
    drift,
    events,
    experiments,
    feedback,
    forecasts,
    health,
    imports,
    jobs,
    kpis,
    models,
    products,
    recommendations,
    rules,
    segments,
    session,
    visits,
)
from foresell.api.shortcut import Way

# Asked hundreds of times a second.
WAYS: dict[str, Way] = {
    "/v1/events": Way(Needs("events:write"), events.post_events),
    "/v1/recommendations": Way(
        Needs("recommend:read"), recommendations.post_recommendations, recommendations.RecommendationRequest
    ),
}
ROUTES: dict[str, APIRouter] = {
    "health": health.router,
    "events": events.router,
    "recommendations": recommendations.router,
    "feedback": feedback.router,
    "customers": customers.router,
    "visits": visits.router,
    "segments": segments.router,
    "forecasts": forecasts.router,
    "kpis": kpis.router,
    "products": products.router,
    "models": models.router,
    "jobs": jobs.router,
    "rules": rules.router,
    "alerts": alerts.router,
    "drift": drift.router,
    "experiments": experiments.router,
    "imports": imports.router,
    "session": session.router,
    "access": access.router,
}
