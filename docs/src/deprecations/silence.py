# --8<-- [start:import]
import warnings

from fastapi_users_db import FastAPIUsersDBDeprecationWarning

# --8<-- [end:import]
# --8<-- [start:all]
warnings.filterwarnings("ignore", category=FastAPIUsersDBDeprecationWarning)
# --8<-- [end:all]
# --8<-- [start:databases-adapter]
warnings.filterwarnings("ignore", r".*\[databases-adapter:", FastAPIUsersDBDeprecationWarning)
# --8<-- [end:databases-adapter]
# --8<-- [start:databases-access-token-adapter]
warnings.filterwarnings(
    "ignore", r".*\[databases-access-token-adapter:", FastAPIUsersDBDeprecationWarning
)
# --8<-- [end:databases-access-token-adapter]
