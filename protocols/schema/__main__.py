"""`python -m protocols.schema` writes config/schema/profile-v1.schema.json for editors."""

from protocols.schema.editors import profile_schema, write

if __name__ == "__main__":
    print(write("profile-v1.schema.json", profile_schema()))
