import platform
print("hello from Python" if platform.system() == "Linux" else platform.system())
