"""A small SaaS: accounts, three plans, quotas and usage. Run it with `uvicorn main:app` and open http://localhost:8000/docs."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from tallystick.settings import read_settings
from tallystick.usage_meter import check_token_quota, record_token_usage
from tallystick.web import auth_router, billing_router, current_user, init_db, metered

# The app's own tables, in the same database: what it keeps and what it counts are committed together.
engine = create_engine(read_settings().database_url.replace("postgresql://", "postgresql+psycopg://"))


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    init_db()
    with engine.begin() as conn:
        conn.execute(text("CREATE TABLE IF NOT EXISTS answers (user_id TEXT, prompt TEXT)"))
    yield
    engine.dispose()


app = FastAPI(title="A small SaaS", lifespan=lifespan)
app.include_router(auth_router, prefix="/api")
app.include_router(billing_router, prefix="/api")


def database() -> Iterator[Session]:
    with Session(engine) as session:
        yield session


User = Annotated[str, Depends(current_user)]


class Prompt(BaseModel):
    text: str


@app.post("/generate")
def generate(prompt: Prompt, user_id: User, session: Annotated[Session, Depends(database)]) -> dict[str, int]:
    """Asks before, and records after, in the app's own transaction."""
    allowed, error = check_token_quota(session, user_id, requested_tokens=1000)
    if not allowed:
        raise HTTPException(status_code=403, detail=error)
    tokens = 100 * len(prompt.text)  # here a model would answer
    session.execute(text("INSERT INTO answers VALUES (:user, :prompt)"), {"user": user_id, "prompt": prompt.text})
    record_token_usage(session=session, user_id=user_id, tokens=tokens, metadata={"model": "none"})
    session.commit()
    return {"tokens": tokens}


@app.post("/scrape", dependencies=[Depends(metered(None, "scraping_tasks", 40))])
def scrape() -> dict[str, int]:
    """Held before, counted after, refused with 429: nothing to write but the work itself."""
    return {"pages": 40}
