from pydantic import BaseModel


class NoteOut(BaseModel):
    text: str
