// threads.cc - a client that leaves its work to threads of C++'s library, each of them waiting in another way.
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <exception>
#include <future>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>

#include <vdifault.h>

// One thread waits in its handler while the other's exception comes, and goes after it.
static int handle(int own, std::chrono::seconds wait)
{
    int wrong = 0;
    try {
        throw std::to_string(own);
    } catch (const std::string &caught) {
        std::this_thread::sleep_for(wait);
        try {
            throw;
        } catch (const std::string &again) {
            wrong = again == std::to_string(own) && &again == &caught ? 0 : 1;
        }
        wrong += std::uncaught_exceptions();
    }
    return wrong;
}

static int exceptions()
{
    using namespace std::chrono_literals;
    auto first = std::async(std::launch::async, handle, 1, 5s);
    auto second = std::async(std::launch::async, handle, 2, 7s);
    return first.get() + second.get() + handle(3, 1s);
}

static int work()
{
    using namespace std::chrono_literals;
    std::mutex mutex;
    std::condition_variable changed;
    std::shared_mutex shared;
    bool ready = false;
    int sum = 0;
    auto begin = std::chrono::steady_clock::now();
    std::thread other([&] {
        std::this_thread::sleep_for(100s);
        std::unique_lock<std::shared_mutex> writes(shared);
        std::lock_guard<std::mutex> held(mutex);
        sum += 1;
        ready = true;
        changed.notify_one();
    });
    {
        std::unique_lock<std::mutex> held(mutex);
        if (changed.wait_until(held, std::chrono::steady_clock::now() + 10s, [&] { return ready; })) {
            return 2;
        }
        if (changed.wait_for(held, 10s, [&] { return ready; })) {
            return 3;
        }
        changed.wait(held, [&] { return ready; });
    }
    other.join();
    auto later = std::async(std::launch::async, [&] {
        std::this_thread::sleep_for(50s);
        std::shared_lock<std::shared_mutex> reads(shared);
        return sum + 1;
    });
    if (later.wait_for(20s) != std::future_status::timeout) {
        return 4;
    }
    if (later.get() != 2) {
        return 5;
    }
    static std::once_flag once;
    int tries = 0;
    for (int i = 0; i < 2; i++) {
        try {
            std::call_once(once, [&] {
                if (tries++ == 0) {
                    throw 7;
                }
            });
        } catch (int number) {
            tries += number;
        }
    }
    if (tries != 0 && tries != 9) {  // 0: an earlier session did it
        return 7;
    }
    auto took = std::chrono::steady_clock::now() - begin;
    return took >= 150s && took < 151s ? 1 : 6;
}

extern "C" int vdifault_client(const char *)
{
    int status = exceptions() == 0 ? work() : 8;
    if (status != 1) {
        std::fprintf(stderr, "step %d\n", status);
        __builtin_trap();
    }
    return 1;
}
