def is_export(template) -> bool:
    return False
