from fastapi import APIRouter

from app.api.v1 import admin, auth, items, loans, members

router = APIRouter()
router.include_router(auth.router)
router.include_router(members.router)
router.include_router(items.router, prefix="/items", tags=["items"])
router.include_router(loans.router, prefix="/loans", tags=["loans"])
router.include_router(admin.router, prefix="/admin", tags=["admin"])
