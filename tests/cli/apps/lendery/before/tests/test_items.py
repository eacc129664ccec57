import pytest


@pytest.mark.asyncio
async def test_item_is_added(client, user):
    response = await client.post("/api/v1/items/", json={"name": "Saw"})
    assert response.status_code == 201
    assert response.json()["owner_id"] == str(user.id)


@pytest.mark.asyncio
async def test_greeting(client):
    response = await client.get("/api/v1/greeting")
    assert response.status_code == 200
