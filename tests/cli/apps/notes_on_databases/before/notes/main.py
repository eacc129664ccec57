from fastapi import Depends, FastAPI

from notes.schemas import NoteOut, UserDB
from notes.tables import Note, database
from notes.users import backend, current_user, users

app = FastAPI(title="Notes")
app.include_router(users.get_auth_router(backend), prefix="/auth")
app.include_router(users.get_register_router(), prefix="/auth")
app.include_router(users.get_users_router(), prefix="/users")


@app.get("/me", response_model=UserDB)
async def me(user: UserDB = Depends(current_user)):
    return user


@app.get("/notes")
async def notes(user: "UserDB" = Depends(current_user)) -> list:
    rows = await database.fetch_all(Note.__table__.select())
    return [NoteOut(text=row["text"]) for row in rows]


@app.on_event("startup")
async def startup():
    await database.connect()


@app.on_event("shutdown")
async def shutdown():
    await database.disconnect()
