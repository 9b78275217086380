"""An application of somebody else on a cluster that is shared."""
from ray import serve


@serve.deployment(ray_actor_options={"num_cpus": 0.1})
class Theirs:
    async def __call__(self, _request):
        return "theirs"


def build(_args):
    return Theirs.bind()
