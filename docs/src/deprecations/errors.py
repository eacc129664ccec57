# --8<-- [start:errors]
import warnings

from fastapi_users_db import FastAPIUsersDBDeprecationWarning

warnings.filterwarnings("error", category=FastAPIUsersDBDeprecationWarning)
# --8<-- [end:errors]
