#include "cuda/round_trip.h"

#include "cuda/runtime.h"

namespace scatlight::cuda {
namespace {

class StreamMemory {
 public:
  StreamMemory(std::size_t bytes, cudaStream_t stream) : stream_(stream) {
    if (bytes > 0) check(cudaMallocAsync(&data_, bytes, stream), "no memory for the images and their maps");
  }
  ~StreamMemory() {
    if (data_ != nullptr) cudaFreeAsync(data_, stream_);
  }
  StreamMemory(const StreamMemory&) = delete;
  StreamMemory& operator=(const StreamMemory&) = delete;
  void* get() const { return data_; }

 private:
  cudaStream_t stream_;
  void* data_ = nullptr;
};

}  // namespace

void round_trip(int device, std::span<const std::byte> in, std::span<std::byte> out,
                std::size_t workspace_bytes,
                const std::function<void(const void*, void*, void*, CudaStream)>& work) {
  const DeviceGuard guard(device);
  const Stream stream;
  const StreamMemory from(in.size(), stream);
  const StreamMemory to(out.size(), stream);
  const StreamMemory workspace(workspace_bytes, stream);
  check(cudaMemcpyAsync(from.get(), in.data(), in.size(), cudaMemcpyHostToDevice, stream), "copying failed");
  work(from.get(), to.get(), workspace.get(), stream);
  check(cudaMemcpyAsync(out.data(), to.get(), out.size(), cudaMemcpyDeviceToHost, stream), "copying failed");
  stream.wait();
}

}  // namespace scatlight::cuda
